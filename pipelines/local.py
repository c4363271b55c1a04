"""Runs the compiled pipeline on this machine and makes sure that it really ran.

KFP's local runner does not run what it cannot make sense of (a condition, for one) and reports success all the same.
So every step is watched, and the run fails unless each one that had to run did run or was reused.
"""

import contextlib
import logging
import re
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from aocr_core.errors import AocrError
from pipelines import spec
from pipelines.progress_view import ProgressView, State

ANSI = re.compile(r"\x1b\[[0-9;]*m")
ERROR = re.compile(r"^( *)Traceback .*\n(?:\1 .*\n)*\1(?:aocr_core\.errors\.\w+: )?(\S.*)$", re.MULTILINE)
"""The end of a traceback: our own errors without their class, for their messages are made for people."""
CONDITION = re.compile(r"inputs\.parameter_values\['([^']+)'\] == true")


@dataclass(frozen=True)
class StepRun:
    """A step that ran, or whose earlier outputs were reused."""

    name: str
    seconds: float
    reused: bool
    outputs: dict[str, Any]
    """Parameters and `kfp.dsl.Artifact`s by name."""


class _Log:
    """The file that takes what KFP and the steps print, without colours."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._step: list[str] = []

    def write(self, text: str) -> int:
        text = ANSI.sub("", text)
        self._step.append(text)
        self._file.write(text)
        return len(text)

    def flush(self) -> None:
        self._file.flush()

    def next_step(self) -> None:
        """Forget what the steps before have printed."""
        self._step.clear()

    def error(self) -> str:
        """What the running step died of, in one line; empty if it did not say."""
        found = ERROR.findall("".join(self._step))
        return found[-1][1] if found else ""


def run(
    compiled: spec.Spec, arguments: dict[str, Any], root: Path, log: Path, view: ProgressView, runner: Any = None
) -> dict[str, StepRun]:
    """Run a pipeline; steps whose component, code, arguments and inputs are unchanged are reused.

    Args:
        compiled: The compiled pipeline, stamped with the version of the code (see `spec.stamped`).
        arguments: Values of its parameters.
        root: Folder for the outputs of the steps and for the cache.
        log: File for everything that KFP and the steps print.
        view: Is told when a step starts and ends.
        runner: What KFP runs the steps with; None: processes in this Python environment.

    Returns:
        The steps that ran or were reused, by name.

    Raises:
        AocrError: a step failed (the message is the step's own), or was passed over without a reason.
    """
    from kfp import components, local

    # The workspace is a KFP feature that no step uses; without a place for it KFP makes one elsewhere.
    workspace = root / "workspace"
    # A Docker engine would make what is not there, for its own user.
    workspace.mkdir(parents=True, exist_ok=True)
    local.init(
        runner or local.SubprocessRunner(use_venv=False),
        pipeline_root=str(root),
        workspace_root=str(workspace),
        enable_caching=True,
    )
    pipeline = components.load_component_from_text(spec.dump(compiled))
    runs: dict[str, StepRun] = {}
    with log.open("w", encoding="utf-8") as file, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*no effect in the current local runner")
        output = _Log(file)
        with contextlib.redirect_stdout(output), _logging_kept(), _watched(runs, view, output):
            try:
                pipeline(**arguments)
            except RuntimeError as error:
                failed = next((line.title for line in view.lines.values() if line.state == "failed"), None)
                reason = output.error() or str(error)
                raise AocrError(f"step {failed} failed: {reason} (all output: {log})" if failed else reason) from error
    _check(compiled, runs)
    return runs


@contextlib.contextmanager
def _logging_kept() -> Iterator[None]:
    """Put the root logger back. KFP does so, too, but where it is at work in several threads, one may put back what
    another has set: then all that is logged later would go to a file that is closed.
    """
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


@contextlib.contextmanager
def _watched(runs: dict[str, StepRun], view: ProgressView, log: _Log) -> Iterator[None]:
    """Record every step that KFP executes. KFP offers no hook, so its function for one task is wrapped."""
    from kfp.local import executor_input_utils as paths
    from kfp.local.orchestrator import task_executor
    from kfp.local.status import Status

    execute = task_executor.execute_single_task

    def watched(**task: Any) -> tuple[dict[str, Any], Status]:
        name = task["task_name"]
        log.next_step()
        view.started(name)
        began = time.monotonic()
        try:
            outputs, status = execute(**task)
        except BaseException as error:
            state: State = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
            view.ended(name, state, time.monotonic() - began)
            raise
        seconds = time.monotonic() - began
        component = paths.get_local_task_resource_name(task["task_spec"].component_ref.name)
        folder = paths.construct_local_task_root(task["pipeline_root"], task["pipeline_resource_name"], component)
        reused = not Path(folder).exists()
        if status == Status.SUCCESS:
            runs[name] = StepRun(name, seconds, reused, outputs)
        view.ended(name, "failed" if status != Status.SUCCESS else "reused" if reused else "done", seconds)
        return outputs, status

    task_executor.execute_single_task = watched
    try:
        yield
    finally:
        task_executor.execute_single_task = execute


def _check(compiled: spec.Spec, runs: dict[str, StepRun]) -> None:
    """Every step outside a condition must have run; those inside exactly if the condition was true."""
    for step in spec.steps(compiled):
        expected = step.condition is None or _holds(compiled, step.condition, runs)
        if expected and step.name not in runs:
            raise AocrError(f"the pipeline passed over the step {step.title} although it had to run")
        if not expected and step.name in runs:
            raise AocrError(f"the pipeline ran the step {step.title} although its condition was false")


def _holds(compiled: spec.Spec, group: str, runs: dict[str, StepRun]) -> bool:
    task = spec.groups(compiled)[group]
    condition = task["triggerPolicy"]["condition"]
    match = CONDITION.fullmatch(condition)
    if not match:
        raise AocrError(f"only a condition on one bool can be checked, not: {condition}")
    source = task["inputs"]["parameters"][match[1]]["taskOutputParameter"]
    producer = runs.get(source["producerTask"])
    return producer is not None and producer.outputs[source["outputParameterKey"]] is True
