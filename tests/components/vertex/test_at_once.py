"""What two rollouts at the same time leave on an endpoint, and how one gets past what the other has just changed."""

import pytest
from google.api_core.exceptions import Aborted
from google.cloud.aiplatform_v1.types import DeployedModel

from aocr_core.errors import AocrError
from components.vertex import changes, endpoints, trial
from tests.components.vertex import toys
from tests.components.vertex.test_rollout import kill


def deployed_twice(words) -> None:
    """What two rollouts of version 1 at the same time leave."""
    ends = words.vertex.endpoints
    (first,) = ends.stored[toys.NAME].deployed_models
    again = DeployedModel(model=f"{first.model}@1", dedicated_resources=first.dedicated_resources)
    endpoints.connected(toys.NAME).endpoints.deploy_model(endpoint=toys.NAME, deployed_model=again)
    assert words.deployed() == [1, 1]


@pytest.mark.parametrize("text", ["a", "b"])
def test_a_version_that_is_there_twice_goes_with_both(words, text: str):
    toys.deploy(words.export("a"))
    deployed_twice(words)
    toys.deploy(words.export_dir("a") if text == "a" else words.export("b"))
    assert (words.split(), words.deployed()) == ({"ab".index(text) + 1: 100}, ["ab".index(text) + 1])


def test_a_version_of_no_use_that_is_there_twice_goes_with_both(words):
    with pytest.MonkeyPatch.context() as killed:
        kill(killed, trial, "tried")
        with pytest.raises(SystemExit):
            toys.deploy(words.export("a"))
    deployed_twice(words)
    for toy in words.toys.started:
        toy.text = "nonsense"
    with pytest.raises(AocrError, match="where its export reads"):
        toys.deploy(words.export_dir("a"))
    assert (words.split(), words.deployed()) == ({}, [])


def test_traffic_that_was_looked_at_too_early_is_directed_after_the_next_look(words, soon):
    """A bad canary must not keep its share meanwhile."""
    toys.deploy(words.export("a"))
    words.toys.texts[f"{toys.SERVING}/aocr/2"] = "nonsense"

    def meddle(rpc: str) -> None:
        if rpc == "Predict":  # somebody else changes the endpoint just before the traffic is sent back
            words.vertex.faults.once("UpdateEndpoint", Aborted("The etag does not match."))
            words.vertex.after = lambda _: None

    words.vertex.after = meddle
    with pytest.raises(AocrError, match="where its export reads"):
        toys.deploy(words.export("b"))
    assert words.vertex.faults.met == 1
    assert (words.split(), words.deployed()) == ({1: 100}, [1])
    assert changes.time.monotonic() < changes.SETTLE_SECONDS
