"""What a person sees while the pipeline runs: every step, and the progress bar of the one that is at work.

The steps run as processes of their own; their bars arrive as events in a file (see `aocr_core.progress`).
"""

import json
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from aocr_core.progress import PLAIN_SECONDS, clock

if TYPE_CHECKING:
    from rich.table import Table

State = Literal["waiting", "running", "done", "reused", "failed", "interrupted", "skipped"]
MARKS: dict[State, str] = {
    "waiting": "[dim]·[/]",
    "running": "[cyan]▸[/]",
    "done": "[green]✓[/]",
    "reused": "[green]=[/]",
    "failed": "[red]✗[/]",
    "interrupted": "[red]✗[/]",
    "skipped": "[dim]-[/]",
}


class Events:
    """Follows the file to which the steps append their progress; without a file, nothing happens in it."""

    def __init__(self, path: Path | None) -> None:
        if path:
            path.write_text("")
        self._path = path
        self._offset = 0
        self._event: dict[str, Any] | None = None

    def forget(self) -> None:
        """Pass over everything written so far: the next step starts with no bar."""
        self.latest()
        self._event = None

    def latest(self) -> dict[str, Any] | None:
        """The newest event of the running step, None before its first."""
        if self._path is None:
            return None
        with self._path.open(encoding="utf-8") as file:
            file.seek(self._offset)
            lines = file.read().splitlines(keepends=True)
        for line in lines:
            if not line.endswith("\n"):  # still being written
                break
            self._offset += len(line.encode())
            self._event = json.loads(line)
        return self._event


@dataclass
class Line:
    """One step of the pipeline as it stands."""

    title: str
    state: State = "waiting"
    started: float = 0.0
    seconds: float = 0.0

    def time(self) -> str:
        """How long the step has taken so far, or that it took none."""
        if self.state == "running":
            return clock(time.monotonic() - self.started)
        if self.state in ("done", "failed", "interrupted"):
            return clock(self.seconds)
        return "reused" if self.state == "reused" else ""


class ProgressView:
    """Shows the steps on stderr; a context manager.

    Args:
        titles: Name -> title of each step, in order.
        events: File for the steps' progress events; it is emptied. None where steps run elsewhere and tell nothing.
        terminal: Draw with bars; else print plain lines. By default as stderr is.
        every: Seconds between two plain lines about the step at work.
    """

    def __init__(
        self,
        titles: dict[str, str],
        events: Path | None = None,
        terminal: bool | None = None,
        every: float = PLAIN_SECONDS,
    ) -> None:
        self.lines = {name: Line(title) for name, title in titles.items()}
        self.events = Events(events)
        self._terminal = sys.stderr.isatty() if terminal is None else terminal
        self._every = every
        self._over = threading.Event()

    def __enter__(self) -> Self:
        if self._terminal:
            from rich.console import Console
            from rich.live import Live

            self._live = Live(get_renderable=self.table, console=Console(stderr=True), refresh_per_second=5)
            self._live.start()
        else:
            threading.Thread(target=self._report, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for line in self.lines.values():
            line.state = "skipped" if line.state == "waiting" else line.state
        if self._terminal:
            self._live.stop()

    def started(self, name: str, ago: float = 0.0) -> None:
        """A step begins, or has begun some seconds ago."""
        self.events.forget()
        line = self.lines[name]
        line.state, line.started = "running", time.monotonic() - ago

    def ended(self, name: str, state: State, seconds: float) -> None:
        """A step is over: done, reused, failed or interrupted."""
        line = self.lines[name]
        line.state, line.seconds = state, seconds
        if not self._terminal:
            joint = "after" if state == "interrupted" else "in"
            self._print(f"{line.title}: {state}" + (f" {joint} {clock(seconds)}" if state != "reused" else ""))

    def table(self) -> "Table":
        """All steps as a table."""
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 1))
        for line in self.lines.values():
            event = self.events.latest() if line.state == "running" else None
            bar = ProgressBar(event["total"], event["done"], width=24) if event and event["total"] else ""
            detail = Text(event["text"] if event else "", overflow="ellipsis", no_wrap=True)
            table.add_row(MARKS[line.state], line.title, line.time(), bar, detail)
        return table

    def _report(self) -> None:
        """From time to time, a line about the step at work."""
        while not self._over.wait(self._every):
            event = self.events.latest()
            for line in self.lines.values():
                if line.state == "running":
                    self._print(f"{line.title}: {line.time()}" + (f", {event['text']}" if event else ""))

    @staticmethod
    def _print(text: str) -> None:
        # KFP replaces `print` while a step runs: each call, wherever it goes, would indent the step's own output.
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
