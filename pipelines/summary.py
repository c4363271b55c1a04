"""What a run came to: the closing lines, and the same as `summary.json`."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from aocr_core.approval import Reason
from aocr_core.display import percent
from aocr_core.progress import clock
from pipelines.local import StepRun


class StepTime(BaseModel):
    """One step of the pipeline."""

    name: str
    title: str
    seconds: float
    reused: bool
    """Whether the outputs of an earlier run were taken, nothing having changed."""


class Asked(BaseModel):
    """One question to the endpoint over HTTP, and its answer."""

    url: str
    pid: int | None
    """Process of the endpoint, None if it was stopped after the question."""
    stop: str
    """The command that stops it."""
    image: str
    label: str
    text: str
    probability: float
    curl: str
    """The same question as a command line."""


class Summary(BaseModel):
    """Everything worth knowing about a run. Paths are as seen from the working directory."""

    model_config = ConfigDict(frozen=True)

    approved: bool
    verdict: str
    """The reason that decided, in a word (see `aocr_core.approval.decide.Code`)."""
    reasons: list[Reason]
    """What each rule says: the floor, then the comparison with the model that serves."""
    accuracy: float
    """Share of the test images read without a mistake."""
    cer: float
    """Character error rate."""
    training_rows: int
    test_rows: int
    rejected_rows: int
    seconds: float
    """The whole run of the pipeline."""
    overhead_seconds: float
    """What the run took beyond its steps."""
    steps: list[StepTime]
    report: str
    decision: str
    """The page with the reasons for the verdict."""
    model: str
    rejected: list[str]
    """Tables of the rows that could not be used, none if all could."""
    serving: str | None
    """The version that serves this model, None if it was refused."""
    asked: Asked | None
    log: str

    @property
    def unchanged(self) -> bool:
        """Whether the model is, to all appearances, the one that serves already."""
        return self.verdict == "no_change"

    @property
    def refusals(self) -> list[str]:
        """What the rules that are not met say."""
        return [reason.text for reason in self.reasons if not reason.passed]

    def text(self) -> str:
        """For people."""
        return "\n".join(f"{name:<10} {text}" for name, text in self._lines())

    def _lines(self) -> list[tuple[str, str]]:
        rows = f"{self.training_rows} images to train, {self.test_rows} to test"
        if self.rejected:
            rows += f"; {self.rejected_rows} rows were of no use: {' '.join(self.rejected)}"
        times = [f"{step.title:<18} {'reused' if step.reused else clock(step.seconds):>6}" for step in self.steps]
        lines = [
            ("Accuracy", f"{percent(self.accuracy)} of the test images read without a mistake"),
            ("CER", percent(self.cer, 2)),
            ("Data", rows),
            ("Verdict", "approved" if self.approved else "no change" if self.unchanged else "NOT approved"),
            *[("", f"{'' if reason.passed else 'not met: '}{reason.text}") for reason in self.reasons],
            *zip(("Steps", *[""] * len(times)), times, strict=False),
            ("Time", f"{clock(self.seconds)}, of which the pipeline itself {self.overhead_seconds:.1f} s"),
            ("Report", self.report),
            ("Reasons", self.decision),
            ("Model", self.model),
        ]
        if self.serving:
            lines.append(("Deployed" if self.approved else "Serving", self.serving))
        if self.asked:
            lines += _answer(self.asked)
        return lines


def _answer(asked: Asked) -> list[tuple[str, str]]:
    read = f"{asked.image} -> {asked.text!r}, probability {asked.probability:.3f} (label {asked.label!r})"
    if asked.pid is None:
        return [("Answer", read), ("Endpoint", "stopped")]
    return [
        ("Answer", read),
        ("Endpoint", f"{asked.url} until nobody has asked for 10 minutes, or: {asked.stop} (kill {asked.pid})"),
        ("Ask it", asked.curl),
    ]


def step_times(runs: dict[str, StepRun], titles: dict[str, str]) -> list[StepTime]:
    """The steps that ran, in order."""
    return [
        StepTime(name=run.name, title=titles[run.name], seconds=round(run.seconds, 2), reused=run.reused)
        for run in runs.values()
    ]


def figures(runs: dict[str, StepRun], step: str, artifact: str) -> dict[str, Any]:
    """What a step recorded in an artifact."""
    return runs[step].outputs[artifact].metadata
