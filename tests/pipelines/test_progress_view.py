import json
from pathlib import Path

from kfp.local.logging_utils import indented_print
from rich.console import Console

from aocr_core import progress
from pipelines.progress_view import Events, ProgressView

EVENT = {"label": "train", "done": 30, "total": 120, "unit": "steps", "text": "train: 30/120 steps, 5.0/s, loss 0.3"}


def shown(view: ProgressView) -> str:
    console = Console(width=120, force_terminal=False)
    with console.capture() as capture:
        console.print(view.table())
    return capture.get()


def test_a_step_shows_its_newest_event(tmp_path: Path):
    path = tmp_path / "events"
    view = ProgressView({"a": "1 Build", "b": "2 Train", "c": "3 Test"}, path, terminal=True)
    view.started("a")
    view.ended("a", "reused", 0.01)
    view.started("b")
    with path.open("a") as file:
        file.write(json.dumps(EVENT | {"done": 1, "text": "old"}) + "\n" + json.dumps(EVENT) + "\n")
    first, second, third = shown(view).splitlines()
    assert "1 Build" in first and "reused" in first
    assert "2 Train" in second and "0:00" in second and EVENT["text"] in second
    assert "3 Test" in third and "train" not in third


def test_an_interruption_is_no_failure(tmp_path: Path, capsys):
    view = ProgressView({"a": "1 Build"}, tmp_path / "events", terminal=False)
    view.started("a")
    view.ended("a", "interrupted", 65.0)
    assert "1 Build: interrupted after 1:05" in capsys.readouterr().err
    assert "1:05" in shown(view)


def test_events_of_an_earlier_step_are_forgotten(tmp_path: Path):
    path = tmp_path / "events"
    view = ProgressView({"a": "1 Build", "b": "2 Train"}, path, terminal=True)
    view.started("a")
    path.write_text(json.dumps(EVENT) + "\n")
    assert EVENT["text"] in shown(view)
    view.ended("a", "done", 65.0)
    view.started("b")
    assert EVENT["text"] not in shown(view)
    assert "1:05" in shown(view)


def test_a_line_that_is_still_being_written_waits(tmp_path: Path):
    path = tmp_path / "events"
    events = Events(path)
    text = json.dumps(EVENT | {"text": "Grüße"}, ensure_ascii=False)
    path.write_text(text[:20], encoding="utf-8")
    assert events.latest() is None
    path.write_text(text + "\n" + json.dumps(EVENT)[:10], encoding="utf-8")
    assert events.latest()["text"] == "Grüße"
    path.write_text(text + "\n" + json.dumps(EVENT) + "\n", encoding="utf-8")
    assert events.latest() == EVENT


def test_what_the_library_reports_is_what_the_view_reads(tmp_path: Path, monkeypatch):
    events = Events(tmp_path / "events")
    monkeypatch.setenv(progress.EVENT_FILE_VARIABLE, str(tmp_path / "events"))
    with progress.track("train", 4, "steps") as bar:
        bar.advance(3, loss=0.25)
    event = events.latest()
    assert (event["done"], event["total"]) == (3, 4)
    assert "train: 3/4 steps" in event["text"] and "loss 0.25" in event["text"]


def test_without_a_terminal_there_are_plain_lines(tmp_path: Path, capfd):
    with ProgressView({"a": "1 Build", "b": "2 Train", "c": "3 Test"}, tmp_path / "events", terminal=False) as view:
        view.started("a")
        view.ended("a", "reused", 0.0)
        view.started("b")
        view.ended("b", "done", 61.0)
    assert capfd.readouterr().err.splitlines() == ["1 Build: reused", "2 Train: done in 1:01"]
    assert view.lines["c"].state == "skipped"


def test_a_line_does_not_get_into_what_a_step_prints(tmp_path: Path, capfd):
    """Where an error is looked for by its indentation."""
    with indented_print(), ProgressView({"a": "1 Build"}, tmp_path / "events", terminal=False) as view:
        view.ended("a", "failed", 1.0)
    assert capfd.readouterr() == ("", "1 Build: failed in 0:01\n")
