"""Watches a run on Vertex AI until it is over, step by step."""

import time
from collections.abc import Callable

from pipelines.progress_view import ProgressView
from pipelines.vertex import report
from pipelines.vertex.report import RunReport

LINE_SECONDS = 60.0
"""Where there is no terminal: how often a step at work says so."""
OVER = ("done", "reused", "failed", "interrupted")


def follow(latest: RunReport, look: Callable[[], RunReport], terminal: bool | None = None) -> RunReport:
    """Show the steps of a run on stderr until it is over.

    Args:
        latest: the report of the run as it stood at first.
        look: the same as it stands now.
        terminal: see `ProgressView`.

    Returns:
        The last report.
    """
    began = time.monotonic()
    titles = {step.name: step.title for step in latest.steps}
    with ProgressView(titles, terminal=terminal, every=LINE_SECONDS) as view:
        while True:
            _show(view, latest)
            if latest.over:
                return latest
            # Toy runs are seen at once, long ones are not asked for every second.
            time.sleep(min(15.0, 1.0 + (time.monotonic() - began) / 60))
            latest = look()


def _show(view: ProgressView, latest: report.RunReport) -> None:
    for step in latest.steps:
        shown = view.lines[step.name].state
        if shown == "waiting" and step.state not in ("waiting", "skipped"):
            view.started(step.name, ago=step.seconds or 0.0)
        if shown not in OVER and step.state in OVER:
            view.ended(step.name, step.state, step.seconds or 0.0)
