import json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aocr_core import progress


@pytest.fixture(autouse=True)
def no_parent(monkeypatch):
    monkeypatch.delenv(progress.EVENT_FILE_VARIABLE, raising=False)


def test_plain_lines_where_there_is_no_terminal(capsys, monkeypatch):
    monkeypatch.setattr(progress, "PLAIN_SECONDS", math.inf)
    with progress.track("train", 3, "steps") as bar:
        for _ in range(3):
            bar.advance(loss=0.123456, best="abc")
    (line,) = capsys.readouterr().err.splitlines()
    wanted = r"train: 3/3 steps, [\d.]+/s, 0:00 left, loss 0\.1235, best abc \(done in \d+:\d\d\)"
    assert re.fullmatch(wanted, line)


def test_the_total_may_be_unknown(capsys):
    with progress.track("read", unit="images") as bar:
        bar.advance(2)
    line = capsys.readouterr().err
    assert line.startswith("read: 2 images, ") and "left" not in line


def test_work_of_an_earlier_run_counts_as_done_but_not_for_the_rate():
    with progress.track("train", 1000, done=990) as bar:
        assert (bar.done, bar.rate, bar.seconds_left) == (990, 0.0, None)
        bar.started -= 10_000
        bar.advance(5)
        assert bar.rate == pytest.approx(0.0005, rel=0.1)
        assert bar.seconds_left == pytest.approx(10_000, rel=0.1)


def test_the_state_is_shown_also_when_the_work_fails(capsys):
    with pytest.raises(KeyboardInterrupt), progress.track("train", 10) as bar:
        bar.advance(4)
        raise KeyboardInterrupt
    assert "4/10" in capsys.readouterr().err


def test_events_for_a_parent(tmp_path, monkeypatch):
    path = tmp_path / "events"
    monkeypatch.setenv(progress.EVENT_FILE_VARIABLE, str(path))
    with progress.track("train", 5) as bar:
        for _ in range(5):
            bar.advance(epoch="0.1")
    events = [json.loads(line) for line in path.read_text().splitlines()]
    assert [event["finished"] for event in events] == [False] * (len(events) - 1) + [True]
    assert events[-1] | {"seconds": 0, "text": ""} == {
        "label": "train", "done": 5, "total": 5, "unit": "steps", "notes": {"epoch": "0.1"}, "seconds": 0,
        "finished": True, "text": "",
    }  # fmt: skip


def test_a_terminal_gets_a_bar(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with progress.track("train", 7, "steps") as bar:
        bar.advance(7, loss=1.0)
    shown = capsys.readouterr().err
    assert "train" in shown and "7/7 steps" in shown


@given(st.integers(0, 10**6))
def test_clock(seconds: int):
    minutes, rest = progress.clock(seconds).split(":")
    assert 60 * int(minutes) + int(rest) == seconds and len(rest) == 2


def test_clock_without_an_estimate():
    assert progress.clock(None) == "?"
