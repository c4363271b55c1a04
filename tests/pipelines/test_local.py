"""Small pipelines, really run: what ran, what was reused, what was passed over, what failed."""

import logging
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from kfp import compiler, dsl

from aocr_core.errors import AocrError
from pipelines import local, spec
from pipelines.progress_view import ProgressView


@dsl.component(base_image="python", install_kfp_package=False)
def number(value: int, box: dsl.Output[dsl.Artifact]) -> bool:
    from pathlib import Path

    print(f"value is {value}")
    Path(box.path).write_text(str(value))
    return value > 0


@dsl.component(base_image="python", install_kfp_package=False)
def broken(value: int) -> bool:
    raise ValueError(f"{value} is no good")


@dsl.component(base_image="python", install_kfp_package=False)
def named(value: int) -> NamedTuple("Verdict", [("good", bool)]):
    return (value > 0,)


@dsl.component(base_image="python", install_kfp_package=False)
def act(value: int) -> int:
    return value + 1


@dsl.pipeline(name="gated")
def gated(value: int = 1):
    gate = number(value=value).set_display_name("Number")
    with dsl.If(gate.outputs["Output"] == True):  # noqa: E712 (a channel, not a bool)
        act(value=value).set_caching_options(False)


@dsl.pipeline(name="named-gate")
def named_gate(value: int = 1):
    gate = named(value=value)
    with dsl.If(gate.outputs["good"] == True):  # noqa: E712 (a channel, not a bool)
        act(value=value)


@dsl.pipeline(name="failing")
def failing(value: int = 1):
    broken(value=value).set_display_name("Break")


def run(pipeline, folder: Path, **arguments):
    text = folder / "pipeline.yaml"
    compiler.Compiler().compile(pipeline, str(text))
    compiled = yaml.safe_load(text.read_text())
    titles = {step.name: step.title for step in spec.steps(compiled)}
    with ProgressView(titles, folder / "events", terminal=False) as view:
        runs = local.run(compiled, arguments, folder / "root", folder / "log", view)
    return runs, {name: line.state for name, line in view.lines.items()}


def test_a_run_leaves_the_log_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Steps at the same time each set it and put back what they found: the last one may have found another's."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    monkeypatch.setattr(ProgressView, "ended", lambda *_: root.addHandler(logging.StreamHandler(sys.stdout)))
    run(gated, tmp_path, value=0)
    assert (root.handlers, root.level) == before


def test_steps_run_once_and_are_then_reused(tmp_path: Path, capfd):
    runs, states = run(gated, tmp_path, value=2)
    assert states == {"number": "done", "act": "done"}
    assert runs["act"].outputs["Output"] == 3
    assert "value is 2" in (tmp_path / "log").read_text()
    assert "\x1b" not in (tmp_path / "log").read_text()
    box = Path(runs["number"].outputs["box"].path)
    again, states = run(gated, tmp_path, value=2)
    assert states == {"number": "reused", "act": "done"}
    assert (again["number"].reused, again["act"].reused) == (True, False)
    assert Path(again["number"].outputs["box"].path) == box
    assert run(gated, tmp_path, value=3)[1] == {"number": "done", "act": "done"}
    out, err = capfd.readouterr()
    assert out == ""
    assert "Number: reused" in err


def test_a_false_gate_leaves_its_steps_out(tmp_path: Path):
    runs, states = run(gated, tmp_path, value=0)
    assert states == {"number": "done", "act": "skipped"}
    assert runs["number"].outputs["Output"] is False


def test_a_step_that_kfp_passes_over_is_noticed(tmp_path: Path):
    """KFP 2.17 cannot resolve a condition on a named output, skips what depends on it and reports success."""
    with pytest.raises(AocrError, match="passed over the step act although it had to run"):
        run(named_gate, tmp_path, value=1)


def test_a_pipeline_of_which_nothing_was_seen_is_noticed(tmp_path: Path, monkeypatch):
    """Should another KFP call its steps in another way, we must not report success."""
    from kfp.local.orchestrator import enhanced_dag_orchestrator

    monkeypatch.setattr(enhanced_dag_orchestrator, "execute_task", lambda **task: ({"Output": False}, 1))
    with pytest.raises(AocrError):
        run(gated, tmp_path, value=0)


def test_the_error_of_a_step_is_told_in_one_line(tmp_path: Path):
    with pytest.raises(AocrError, match=r"^step Break failed: ValueError: 7 is no good \(all output: .*log\)$"):
        run(failing, tmp_path, value=7)
    assert "Traceback" in (tmp_path / "log").read_text()


@dsl.component(base_image="python", install_kfp_package=False)
def refuse(value: int) -> bool:
    from aocr_core.errors import AocrError

    try:
        raise ValueError("inner")
    except ValueError as error:
        raise AocrError(f"{value}: take another") from error


@dsl.pipeline(name="refusing")
def refusing(value: int = 1):
    refuse(value=value)


def test_an_error_made_for_people_is_told_in_its_own_words(tmp_path: Path):
    with pytest.raises(AocrError, match=r"^step refuse failed: 7: take another"):
        run(refusing, tmp_path, value=7)


def test_a_traceback_that_breaks_off_says_nothing():
    """Nor is it pored over for ever: a line is matched in one way only."""
    broken_off = "    Traceback (most recent call last):\n" + (" " * 400 + "^\n") * 200 + "    "
    assert local.ERROR.findall(broken_off) == []
    assert local.ERROR.findall(broken_off + "ValueError: no\n") == [("    ", "ValueError: no")]
