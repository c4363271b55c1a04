"""Progress of long work: a bar on a terminal, plain lines elsewhere, events for a parent process.

A pipeline step runs in a process whose output is captured. When the parent sets `AOCR_PROGRESS_FILE`, every
update is also appended there as one JSON object a line, from which the parent draws the bar itself.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

EVENT_FILE_VARIABLE = "AOCR_PROGRESS_FILE"
PLAIN_SECONDS = 10.0
EVENT_SECONDS = 0.2


class _Sink(Protocol):
    def update(self, bar: "Bar", finished: bool) -> None: ...


class Bar:
    """Counts units of work. Create it with `track`."""

    def __init__(self, label: str, total: int | None, unit: str, done: int, sinks: list[_Sink]) -> None:
        self.label, self.total, self.unit = label, total, unit
        self.done = self._before = done
        self.notes: dict[str, str] = {}
        self.started = time.monotonic()
        self._sinks = sinks

    def advance(self, count: int = 1, **notes: Any) -> None:
        """Count `count` units as done; `notes` (loss=…, rejected=…) are shown beside the bar."""
        self.done += count
        self.notes.update({key: _short(value) for key, value in notes.items()})
        for sink in self._sinks:
            sink.update(self, finished=False)

    def finish(self) -> None:
        """Show the final state."""
        for sink in self._sinks:
            sink.update(self, finished=True)

    @property
    def seconds(self) -> float:
        """Seconds since the work began."""
        return time.monotonic() - self.started

    @property
    def rate(self) -> float:
        """Units per second so far."""
        return (self.done - self._before) / max(self.seconds, 1e-9)

    @property
    def seconds_left(self) -> float | None:
        """Estimate of the seconds that are left, None where the total is unknown."""
        if not self.total or self.done == self._before:
            return None
        return max(self.total - self.done, 0) / self.rate

    def text(self) -> str:
        """One line: label, count, rate, time left, notes."""
        total = f"/{self.total}" if self.total else ""
        left = f", {clock(self.seconds_left)} left" if self.seconds_left is not None else ""
        notes = "".join(f", {key} {value}" for key, value in self.notes.items())
        return f"{self.label}: {self.done}{total} {self.unit}, {self.rate:.1f}/s{left}{notes}"


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def clock(seconds: float | None) -> str:
    """`95` -> `1:35`."""
    if seconds is None:
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


class _Plain:
    """A line on stderr every ten seconds and one at the end."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def update(self, bar: Bar, finished: bool) -> None:
        now = time.monotonic()
        if not finished and now - self._last < PLAIN_SECONDS:
            return
        self._last = now
        ending = f" (done in {clock(bar.seconds)})" if finished else ""
        print(bar.text() + ending, file=sys.stderr, flush=True)


class _Events:
    """JSON lines for a parent process."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._last = 0.0

    def update(self, bar: Bar, finished: bool) -> None:
        now = time.monotonic()
        if not finished and now - self._last < EVENT_SECONDS:
            return
        self._last = now
        event = {
            "label": bar.label,
            "done": bar.done,
            "total": bar.total,
            "unit": bar.unit,
            "notes": bar.notes,
            "seconds": round(bar.seconds, 2),
            "finished": finished,
            "text": bar.text(),
        }
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(event) + "\n")


class _Terminal:
    """A rich progress bar on stderr."""

    def __init__(self, label: str, total: int | None, unit: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            TextColumn(f"{{task.completed}}/{{task.total}} {unit}"),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[notes]}"),
            console=Console(stderr=True),
        )
        self._task = self._progress.add_task(label, total=total, rate="", notes="")
        self._progress.start()

    def update(self, bar: Bar, finished: bool) -> None:
        self._progress.update(
            self._task,
            completed=bar.done,
            total=bar.total,
            rate=f"{bar.rate:.1f}/s",
            notes=" ".join(f"{key} {value}" for key, value in bar.notes.items()),
        )
        if finished:
            self._progress.stop()


@contextmanager
def track(label: str, total: int | None = None, unit: str = "steps", done: int = 0) -> Iterator[Bar]:
    """Show the progress of the block: `with track("train", 500) as bar: bar.advance(loss=0.3)`.

    Args:
        label: What is being done.
        total: Units of work in all, if known.
        unit: What is counted.
        done: Units that an earlier run has done.
    """
    terminal = sys.stderr.isatty()
    sinks: list[_Sink] = [_Terminal(label, total, unit) if terminal else _Plain()]
    if path := os.environ.get(EVENT_FILE_VARIABLE):
        sinks.append(_Events(path))
    bar = Bar(label, total, unit, done, sinks)
    try:
        yield bar
    finally:
        bar.finish()
