"""Every call of a deployment to Vertex AI goes wrong, one after the other.

Traffic never points to nothing, what is half done is undone, and the same command once more finishes the work.
"""

from collections.abc import Iterator

import pytest
from google.api_core import exceptions

from aocr_core.errors import AocrError
from components.vertex import connection, trial
from tests.components.vertex import toys
from tests.components.vertex.stage import Stage
from tests.vertex.faults import Fault

pytestmark = pytest.mark.slow

RPCS = ["ListModelVersions", "UploadModel", "GetOperation", "ListModelEvaluations", "ImportModelEvaluation"]
RPCS += ["GetEndpoint", "DeployModel", "Predict", "UpdateEndpoint", "GetModel", "MergeVersionAliases", "UndeployModel"]
"""Those of a deployment beside a version that serves."""
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


@pytest.fixture
def stage(words, soon) -> Stage:
    return Stage(words, files=True)


def every_call(stage: Stage, rpc: str, fault: Fault) -> Iterator[int]:
    """The stage set, with the first call of an RPC to go wrong, then with the second, …; as long as there is one."""
    number = 1
    while True:
        stage.set()
        stage.vertex.faults.nth(rpc, number, fault)
        yield number
        if not stage.vertex.faults.met:
            assert number > 1, f"a deployment does not call {rpc}"
            return
        number += 1


@pytest.mark.parametrize("rpc", RPCS)
@pytest.mark.parametrize("kind", PASSING)
def test_what_passes_by_is_waited_for(stage: Stage, rpc: str, kind: str):
    for _ in every_call(stage, rpc, PASSING[kind]):
        toys.deploy(stage.export)
        stage.check_done()


@pytest.mark.parametrize("rpc", RPCS)
@pytest.mark.parametrize("kind", FINAL)
def test_what_does_not_leaves_the_traffic_where_it_was_and_a_second_try_finishes(
    stage: Stage, rpc: str, kind: str, monkeypatch: pytest.MonkeyPatch
):
    lasting = FINAL[kind].lasting
    for _ in every_call(stage, rpc, FINAL[kind]):
        with monkeypatch.context() as hasty:
            if lasting:
                hasty.setattr(connection, "PATIENCE_SECONDS", 0.02)
                hasty.setattr(trial, "PATIENCE_SECONDS", 0.02)
            try:
                toys.deploy(stage.export)
            except AocrError as error:
                assert "\n" not in str(error)
            else:
                assert not stage.vertex.faults.met
        if not lasting and stage.words.split() != {2: 100}:
            assert (stage.words.split(), stage.words.deployed()) == ({1: 100}, [1])
        stage.vertex.faults.heal()
        toys.deploy(stage.export)
        stage.check_done()
