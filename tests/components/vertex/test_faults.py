"""Every call of a deployment to Vertex AI goes wrong, one after the other, and so for a rollback.

Traffic never points to nothing, what is half done is undone, and the same command once more finishes the work.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from google.api_core import exceptions

from aocr_core.errors import AocrError
from components.vertex import connection, endpoints, rollout, trial
from tests.components.vertex.stage import Play, Stage
from tests.vertex.faults import Fault

pytestmark = pytest.mark.slow

COMES = ["ListModelVersions", "UploadModel", "ListModelEvaluations", "ImportModelEvaluation"]
COMES += ["GetEndpoint", "DeployModel", "UpdateEndpoint", "GetOperation", "Predict", "GetModel", "MergeVersionAliases"]
GOES = ["ListModelVersions", "GetEndpoint", "DeployModel", "UpdateEndpoint", "GetOperation"]
GOES += ["Predict", "GetModel", "MergeVersionAliases", "UndeployModel"]
RPCS: dict[Play, list[str]] = {
    "the first version": [*COMES, "CreateEndpoint"],
    "the next version": [*COMES, "UndeployModel"],
    "back": GOES,
}
USUAL = "the next version"
"""What is always played; the others, and the rarer of the faults, only in an exhaustive run."""


def part(*values: str, usual: bool) -> Any:
    """A case of a test."""
    return pytest.param(*values, marks=() if usual else pytest.mark.exhaustive)


ALL = [part(play, rpc, usual=play == USUAL) for play, rpcs in RPCS.items() for rpc in rpcs]
PASSING = {
    "fails": Fault(exceptions.ServiceUnavailable("later")),
    "times out": Fault(silent=True),
    "answers too late": Fault(late=True),
}
FINAL = {
    "is refused": Fault(exceptions.PermissionDenied("not for you")),
    "is not answered, nor is any after it": Fault(exceptions.ServiceUnavailable("gone"), lasting=True),
    "is done, but that is not answered, nor any after it": Fault(late=True, lasting=True),
}


def every_call(stage: Stage, rpc: str, fault: Fault) -> Iterator[int]:
    """The stage set, with the first call of an RPC to go wrong, then with the second, …; as long as there is one."""
    number = 1
    while True:
        stage.set()
        stage.vertex.faults.nth(rpc, number, fault)
        yield number
        if not stage.vertex.faults.met:
            assert number > 1, f"{rpc} is not called"
            return
        number += 1


@pytest.mark.parametrize("play", RPCS)
def test_these_are_all_calls(words, soon, play: Play):
    stage = Stage(words, play)
    words.vertex.calls.clear()
    stage.work()
    assert {*words.vertex.names(), "GetOperation"} == set(RPCS[play])


@pytest.mark.parametrize(("play", "rpc"), ALL)
@pytest.mark.parametrize("kind", PASSING)
def test_what_passes_by_is_waited_for(words, soon, play: Play, rpc: str, kind: str):
    stage = Stage(words, play)
    for _ in every_call(stage, rpc, PASSING[kind]):
        stage.work()
        stage.check_done()


@pytest.mark.parametrize(("play", "rpc"), ALL)
@pytest.mark.parametrize("kind", [part(kind, usual=kind.startswith("is done")) for kind in FINAL])
def test_what_does_not_leaves_the_traffic_where_it_was_and_a_second_try_finishes(
    words, soon, play: Play, rpc: str, kind: str, monkeypatch: pytest.MonkeyPatch
):
    stage, lasting = Stage(words, play), FINAL[kind].lasting
    for _ in every_call(stage, rpc, FINAL[kind]):
        with monkeypatch.context() as hasty:
            if lasting:
                hasty.setattr(connection, "PATIENCE_SECONDS", 0.02)
                hasty.setattr(trial, "PATIENCE_SECONDS", 0.02)
            try:
                stage.work()
                failed = False
            except AocrError as error:
                assert "\n" not in str(error)
                failed = True
        if not failed:  # what comes last in a rollback may fail without it
            assert play == "back" or not stage.vertex.faults.met
            stage.check_done()
        elif not lasting:
            stage.check_either()
        stage.vertex.faults.heal()
        if failed:
            stage.work()
        stage.check_done()


def test_a_deployment_that_is_still_under_way_is_waited_for(words, soon):
    stage = Stage(words, "the next version")
    stage.set()
    words.vertex.faults.nth("DeployModel", 1, PASSING["answers too late"])
    words.vertex.endpoints.looks_until_up = 30
    stage.work()
    stage.check_done()
    assert words.vertex.names().count("DeployModel") > 2


def test_one_that_was_killed_while_it_was_deployed_is_taken_up(words, soon, monkeypatch: pytest.MonkeyPatch):
    stage = Stage(words, "the next version")
    stage.set()
    words.vertex.endpoints.looks_until_up = 30
    with monkeypatch.context() as killed:
        killed.setattr(endpoints, "finished", lambda *_: (_ for _ in ()).throw(SystemExit))
        killed.setattr(rollout, "_withdraw", lambda *_: None)
        with pytest.raises(SystemExit):
            stage.work()
    stage.work()
    stage.check_done()
