"""A run on Vertex AI as people and programs want to see it: state, steps, figures, errors."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel

from aocr_core.display import percent
from aocr_core.progress import clock
from pipelines import spec
from pipelines.progress_view import State
from pipelines.vertex.jobs import console_url

if TYPE_CHECKING:
    from google.cloud.aiplatform_v1.types import Artifact, PipelineJob, PipelineTaskDetail

STATES: dict[str, State] = {
    "RUNNING": "running",
    "SUCCEEDED": "done",
    "FAILED": "failed",
    "CANCEL_PENDING": "running",
    "CANCELLING": "running",
    "CANCELLED": "interrupted",
    "SKIPPED": "reused",
    "NOT_TRIGGERED": "skipped",
}
"""What Vertex AI says of a step, in the words of a run on this machine; what it does not speak of is waiting, or,
when the run is over, has been skipped."""

RunState = Literal[
    "unspecified", "queued", "pending", "running", "succeeded", "failed", "cancelling", "cancelled", "paused"
]
OVER = ("succeeded", "failed", "cancelled")


class StepReport(BaseModel):
    """One step of a run."""

    name: str
    title: str
    state: State
    seconds: float | None
    """How long it took, or has taken so far; None if it has not begun."""
    error: str
    outputs: dict[str, str]
    """Where each of its artifacts lies: `gs://…`."""
    figures: dict[str, Any]
    """What it has recorded in its artifacts of figures."""


class RunReport(BaseModel):
    """A run, with its steps in the order of the pipeline."""

    id: str
    state: RunState
    created: datetime | None
    seconds: float | None
    error: str
    console: str
    steps: list[StepReport]

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in OVER

    def step(self, name: str) -> StepReport | None:
        """The step of that name."""
        return next((step for step in self.steps if step.name == name), None)

    @property
    def verdict(self) -> str | None:
        """What the gate says of the model, as a run on this machine says it; None if it came not to that."""
        gate = self.step("approve")
        if gate is None or "approved" not in gate.figures:
            return None
        if gate.figures["approved"]:
            return "approved"
        return "no change" if gate.figures.get("verdict") == "no_change" else "NOT approved"

    @property
    def reasons(self) -> str:
        """Those of the verdict."""
        gate = self.step("approve")
        return str(gate.figures.get("reasons", "no reason was recorded")) if gate else ""

    @property
    def refused(self) -> bool:
        """Whether the run came to its end and the model stays out: judged by what was done, not by what was told."""
        deployment = self.step("deploy")
        left_out = self.state == "succeeded" and deployment is not None and deployment.state == "skipped"
        return left_out and self.verdict != "no change"

    @property
    def complaint(self) -> str:
        """What the run died of, in one line."""
        failed = next((step for step in self.steps if step.state == "failed"), None)
        if failed:
            return f"step {failed.title} failed: {failed.error or 'see its log in the console'}"
        return self.error or self.state

    def text(self) -> str:
        """For people."""
        return "\n".join(f"{name:<10} {text}".rstrip() for name, text in self._lines())

    def _lines(self) -> list[tuple[str, str]]:
        lines = [("Run", self.id), ("State", self.state)]
        if self.seconds is not None:
            lines.append(("Time", clock(self.seconds)))
        times = [f"{step.title:<18} {step.state:<11} {_time(step)}" for step in self.steps]
        lines += zip(("Steps", *[""] * len(times)), times, strict=False)
        lines += [("Error", self.complaint)] if self.state == "failed" else []
        if (scores := self.step("evaluate")) and "accuracy" in scores.figures:
            lines.append(
                ("Accuracy", f"{percent(scores.figures['accuracy'])} of the test images read without a mistake")
            )
        if self.verdict:
            lines.append(("Verdict", f"{self.verdict}: {self.reasons}"))
        for title, name, artifact in (("Report", "evaluate", "report"), ("Model", "train", "model")):
            if (step := self.step(name)) and artifact in step.outputs:
                lines.append((title, step.outputs[artifact]))
        return [*lines, ("Console", self.console)]


def _time(step: StepReport) -> str:
    return clock(step.seconds) if step.seconds is not None and step.state != "reused" else ""


def of(job: "PipelineJob") -> RunReport:
    """The report of a run; of one from a list, without what its steps have done."""
    details: dict[str, PipelineTaskDetail] = {}
    for detail in sorted(job.job_detail.task_details, key=_urgency):  # of a step in a loop there are several
        details[detail.task_name] = detail
    state = job.state.name.removeprefix("PIPELINE_STATE_").lower()
    compiled = _spec(job)
    steps = spec.steps(compiled) if compiled else []
    return RunReport(
        id=job.name.rpartition("/")[2],
        state=state,
        created=job.create_time,
        seconds=_seconds(job),
        error=_one_line(job.error.message),
        console=console_url(job),
        steps=[_step(step, details.get(step.name), state in OVER) for step in steps],
    )


def _urgency(detail: "PipelineTaskDetail") -> int:
    """What of several runs of a step counts most: a failure, then one that is at work."""
    order = ("done", "reused", "waiting", "running", "interrupted", "failed")
    state = STATES.get(detail.state.name, "waiting")
    return order.index(state) if state in order else 0


def _spec(job: "PipelineJob") -> spec.Spec:
    from google.protobuf import json_format

    return json_format.MessageToDict(type(job).pb(job).pipeline_spec)


def _step(step: spec.Step, detail: "PipelineTaskDetail | None", over: bool) -> StepReport:
    idle: State = "skipped" if over else "waiting"
    if detail is None:
        return StepReport(name=step.name, title=step.title, state=idle, seconds=None, error="", outputs={}, figures={})
    artifacts = {name: listed.artifacts[0] for name, listed in detail.outputs.items() if listed.artifacts}
    return StepReport(
        name=step.name,
        title=step.title,
        state=STATES.get(detail.state.name, idle),
        seconds=_seconds(detail),
        error=_one_line(detail.error.message),
        outputs={name: artifact.uri for name, artifact in artifacts.items()},
        figures={
            name: value
            for artifact in artifacts.values()
            if artifact.schema_title == "system.Metrics"
            for name, value in _plain(artifact).items()
        },
    )


def _plain(artifact: "Artifact") -> dict[str, Any]:
    from google.protobuf import json_format

    return json_format.MessageToDict(type(artifact).pb(artifact).metadata)


def _seconds(thing: "PipelineJob | PipelineTaskDetail") -> float | None:
    """From start to end of a job or a step, or to now if it is not over."""
    if not thing.start_time:
        return None
    return max(0.0, ((thing.end_time or datetime.now(UTC)) - thing.start_time).total_seconds())


def _one_line(text: str) -> str:
    return " ".join(text.split())
