"""Runs a pipeline in a process of its own and tells what happens in it, as lines of JSON.

Steps run as `aocr-pipeline run` runs them; what they write is then copied to Cloud Storage (the emulator's), below the
run's output directory. The events are:

    {"run": "running"}, {"task": "train", "state": "RUNNING"}, {"task": …, "state": …, "outputs": …, "error": …},
    {"run": "succeeded" | "failed", "error": …}; and when the process was ended before: {"run": "cancelled"}
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aocr_core.errors import AocrError
from pipelines import local, spec
from pipelines.progress_view import ProgressView, State

ROOT = Path(__file__).parents[2]
GRACE_SECONDS = 10.0
STATES: dict[str, str] = {"done": "SUCCEEDED", "reused": "SKIPPED", "failed": "FAILED", "interrupted": "CANCELLED"}


class Execution:
    """A run in the background."""

    def __init__(self, order: dict[str, Any], tell: Callable[[dict[str, Any]], None]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            # A session of its own, so that the steps end with it.
            start_new_session=True,
        )
        self._cancelled = False
        self._thread = threading.Thread(target=self._follow, args=(order, tell), daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """End the run, steps included, and wait until that has been told."""
        self._cancelled = True
        if self._process.poll() is None:  # else its number may be another's by now
            with contextlib.suppress(ProcessLookupError):
                self._tell_steps()
                # A step may have something to clear away, and is given the time.
                until = time.monotonic() + GRACE_SECONDS
                while time.monotonic() < until:
                    os.killpg(self._process.pid, 0)
                    self._process.poll()
                    time.sleep(0.05)
                os.killpg(self._process.pid, signal.SIGKILL)
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout=30)

    def _tell_steps(self) -> None:
        """Tell the first process of each step that it is to end, and nothing that this has started."""
        # The run itself stands still meanwhile and then goes, so that it starts no step and tells no more.
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
            for number, parent in (map(int, line.split()) for line in listed.splitlines()):
                if parent == self._process.pid:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(number, signal.SIGTERM)
        finally:
            self._process.kill()

    def _follow(self, order: dict[str, Any], tell: Callable[[dict[str, Any]], None]) -> None:
        over = False
        with contextlib.suppress(BrokenPipeError), self._process:
            assert self._process.stdin and self._process.stdout
            self._process.stdin.write(json.dumps(order))
            self._process.stdin.close()
            for line in self._process.stdout:
                event = json.loads(line)
                over = event.get("run", "running") != "running"
                tell(event)
        if not over:
            tell({"run": "cancelled"} if self._cancelled else {"run": "failed", "error": "Internal error occurred."})


class _Teller(ProgressView):
    """Tells of each step what Vertex AI would."""

    def __init__(self, titles: dict[str, str], folder: Path, root: str, tell: Callable[..., None]) -> None:
        super().__init__(titles, terminal=False, every=3600)
        self._folder, self._root, self._tell = folder, root, tell
        self.outputs: dict[str, Any] = {}
        """What the step that ended last has given."""

    def started(self, name: str, ago: float = 0.0) -> None:
        super().started(name, ago)
        self._tell(task=name, state="RUNNING")

    def ended(self, name: str, state: State, seconds: float) -> None:
        super().ended(name, state, seconds)
        artifacts = {} if state == "failed" else self._published(state == "reused")
        error = "The replica workerpool0-0 exited with a non-zero status of 1." if state == "failed" else ""
        self._tell(task=name, state=STATES[state], outputs=artifacts, error=error)

    def _published(self, reused: bool) -> dict[str, Any]:
        """The step's artifacts, copied to Cloud Storage unless they are an earlier run's."""
        from kfp.dsl import Artifact

        from aocr_core import gcs

        found = {}
        for key, artifact in self.outputs.items():
            if not isinstance(artifact, Artifact):
                continue
            path = Path(artifact.path)
            uri = f"{self._root}/{path.relative_to(self._folder)}"
            files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
            if not reused:
                gcs.upload({f"{self._root}/{file.relative_to(self._folder)}": file for file in files if file.exists()})
            found[key] = {"uri": uri, "schema_title": artifact.schema_title, "metadata": artifact.metadata}
        return found


def run(order: dict[str, Any], tell: Callable[..., None]) -> None:
    """Run a pipeline and tell about it."""
    from kfp.local.orchestrator import task_executor

    compiled, folder = order["spec"], Path(order["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    steps = spec.steps(compiled)
    tell(run="running")
    for step in steps:
        tell(task=step.name, state="PENDING")
    teller = _Teller({step.name: step.title for step in steps}, folder, order["root"], tell)
    execute = task_executor.execute_single_task

    def noted(**task: Any) -> Any:
        outputs, status = execute(**task)
        teller.outputs = outputs
        return outputs, status

    task_executor.execute_single_task = noted
    try:
        with teller:
            runs = local.run(compiled, order["arguments"], folder, folder / "log", teller)
    except AocrError as error:
        failed = [name for name, line in teller.lines.items() if line.state == "failed"]
        tell(run="failed", error=f"The DAG failed because some tasks failed. The failed tasks are: {failed}. {error}")
        return
    for step in steps:
        if step.name not in runs:
            tell(task=step.name, state="NOT_TRIGGERED")
    tell(run="succeeded")


def main() -> None:
    """Take an order on standard input; events go to standard output, and nothing else does."""
    with os.fdopen(os.dup(1), "w", buffering=1) as events:
        os.dup2(2, 1)

        def tell(**event: Any) -> None:
            events.write(json.dumps(event) + "\n")

        run(json.load(sys.stdin), tell)


if __name__ == "__main__":
    main()
