import pytest

from aocr_core.approval import Reason
from pipelines.summary import StepTime, Summary

FLOOR = Reason("floor_reached", True, "92.4 % exact is at least the floor of 50.0 %")


def summary(approved: bool, verdict: str, *reasons: Reason, serving: str | None = None) -> Summary:
    return Summary(
        approved=approved,
        verdict=verdict,
        reasons=list(reasons),
        accuracy=0.924,
        cer=0.0195,
        training_rows=100,
        test_rows=10,
        rejected_rows=0,
        seconds=60.0,
        overhead_seconds=1.0,
        steps=[StepTime(name="train", title="2 Train", seconds=50.0, reused=False)],
        report="build/report.html",
        decision="build/decision.html",
        model="build/model",
        rejected=[],
        serving=serving,
        asked=None,
        log="build/pipeline.log",
    )


@pytest.mark.parametrize(
    ("approved", "reason", "verdict", "serving"),
    [
        (True, Reason("first_model", True, "no model serves yet"), "approved", "Deployed   build/serving/aocr/1"),
        (False, Reason("no_change", False, "it reads the same"), "no change", "Serving    build/serving/aocr/1"),
        (False, Reason("worse", False, "worse: by much"), "NOT approved", None),
    ],
)
def test_the_verdict_and_each_reason_have_a_line(approved, reason, verdict, serving):
    found = summary(approved, reason.code, FLOOR, reason, serving=serving and "build/serving/aocr/1")
    lines = found.text().splitlines()
    place = lines.index(f"Verdict    {verdict}")
    assert lines[place + 1].strip() == FLOOR.text
    assert lines[place + 2].strip() == f"{'' if reason.passed else 'not met: '}{reason.text}"
    assert "Reasons    build/decision.html" in lines
    assert [line for line in lines if line.startswith(("Deployed", "Serving"))] == ([serving] if serving else [])
    assert found.refusals == ([] if reason.passed else [reason.text])


def test_it_survives_its_file():
    found = summary(False, "worse", FLOOR, Reason("worse", False, "worse: by much"))
    assert Summary.model_validate_json(found.model_dump_json()) == found
