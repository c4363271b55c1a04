"""Every call of a deployment to Cloud Storage goes wrong, one after the other.

The endpoint serves what it did, no half version lies in the bucket, and the same command once more finishes the work.
"""

from collections.abc import Iterator

import pytest

from aocr_core import exports, gcs_calls
from aocr_core.errors import AocrError
from tests.aocr_core.faulty_bucket import STALL, FaultyBucket, running
from tests.components.vertex import toys
from tests.components.vertex.stage import Stage

pytestmark = pytest.mark.slow

FAULTS = {"fails": "503", "times out": "stall", "answers too late": "lost", "is refused": "403"}
CASES = [(kind, name) for kind in ("list", "stat", "read", "write") for name in FAULTS]
# How far an upload in parts has come whose answer is lost, the emulator cannot tell.
CASES += [(kind, name) for kind in ("begin", "send") for name in FAULTS if name != "answers too late"]


@pytest.fixture
def faulty(words, emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyBucket]:
    """The bucket behind a proxy that fails as it is told."""
    with running(emulator.address) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        monkeypatch.setattr(gcs_calls, "FIRST_DELAY", 0.02)
        monkeypatch.setattr(gcs_calls, "TIMEOUT", (5.0, STALL / 2))
        monkeypatch.setattr("google.cloud.storage.blob._MAX_MULTIPART_SIZE", 10_000)  # a file of the toys is larger
        yield server


def every_call(stage: Stage, faulty: FaultyBucket, kind: str, fault: str, lasting: bool) -> Iterator[int]:
    """The stage set, with the first call of a kind to go wrong, then with the second, …; as long as there is one."""
    number = 1
    while True:
        faulty.heal()
        stage.set()
        faulty.fail_nth(kind, fault, number, lasting)
        yield number
        if not faulty.faults[fault]:
            assert number > 1, f"a deployment makes no call of this kind: {kind}"
            return
        number += 1


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize(("kind", "name"), CASES)
def test_the_second_try_finishes(words, faulty, soon, kind: str, name: str, lasting: bool, monkeypatch):
    stage = Stage(words, "the next version", files=False)
    for _ in every_call(stage, faulty, kind, FAULTS[name], lasting):
        with monkeypatch.context() as hasty:
            if lasting:
                hasty.setattr(gcs_calls, "PATIENCE", 0.1)
            try:
                stage.work()
                done = True
            except AocrError:
                done = False
        faulty.plan = lambda kind, name: None  # what the checks ask for is not to go wrong
        if done:
            stage.check_done()
        else:
            assert lasting or name == "is refused"
            assert (words.split(), words.deployed()) == ({1: 100}, [1])
        assert set(exports.folders(f"{toys.SERVING}/aocr")) <= {1, 2}
        stage.work()
        stage.check_done()
