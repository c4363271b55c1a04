"""Models and endpoints of the stand-in refuse what Google would, and Google's own client understands them."""

import pytest
from google.api_core.exceptions import BadRequest, Conflict, NotFound
from google.auth.credentials import AnonymousCredentials
from google.cloud.aiplatform_v1.types import Endpoint
from google.protobuf.field_mask_pb2 import FieldMask

from components.vertex import endpoints, registry
from tests.components.vertex import toys

PARENT = "projects/p/locations/europe-west1"
MODEL = f"{PARENT}/models/aocr"


@pytest.fixture
def here(words):
    """A connection to a place where version 2 serves with 70 %, and version 1 with the rest."""
    found = endpoints.connected(toys.NAME)
    versions = []
    for number in (1, 2):
        upload = registry.Upload("aocr", f"{toys.SERVING}/aocr/{number}", str(number), toys.IMAGE, {})
        versions.append(registry.registered(found, upload))
    endpoints.ensure(found, toys.NAME)
    first, second = (endpoints.deploy(found, toys.NAME, version, toys.OPTIONS) for version in versions)
    endpoints.direct(found, toys.NAME, {first: 30, second: 70})
    return found


def directed(here, split: dict[str, int], etag: str = "") -> None:
    wanted = Endpoint(name=toys.NAME, traffic_split=split, etag=etag)
    here.endpoints.update_endpoint(endpoint=wanted, update_mask=FieldMask(paths=["traffic_split"]), **here.once)


def test_traffic_adds_up_and_goes_to_what_is_there(here, words):
    first, second = sorted(words.vertex.endpoints.replicas)
    for split, said in (({first: 60, second: 30}, "add up to 100"), ({first: 50, "7": 50}, "do not exist")):
        with pytest.raises(BadRequest, match=said):
            directed(here, split)
    with pytest.raises(Conflict, match="has changed"):
        directed(here, {first: 100}, etag="another")
    assert words.split() == {1: 30, 2: 70}


def test_what_is_in_use_stays(here, words):
    first, second = sorted(words.vertex.endpoints.replicas)
    with pytest.raises(BadRequest, match="has traffic assigned"):
        here.endpoints.undeploy_model(endpoint=toys.NAME, deployed_model_id=first)
    with pytest.raises(BadRequest, match="is deployed"):
        here.models.delete_model_version(name=f"{MODEL}@2")
    with pytest.raises(BadRequest, match="default version"):
        here.models.delete_model_version(name=f"{MODEL}@1")
    here.endpoints.undeploy_model(endpoint=toys.NAME, deployed_model_id=second, traffic_split={first: 100})
    here.models.delete_model_version(name=f"{MODEL}@2")
    assert words.split() == {1: 100}
    with pytest.raises(NotFound, match="does not exist"):
        here.models.get_model(name=f"{MODEL}@2")
    here.endpoints.undeploy_model(endpoint=toys.NAME, deployed_model_id=first)
    with pytest.raises(BadRequest, match="nothing is deployed"):
        here.predictions.predict(endpoint=toys.NAME, instances=[{"b64": ""}])


def test_an_alias_belongs_to_one_version(here):
    for number in (1, 2):
        here.models.merge_version_aliases(name=f"{MODEL}@{number}", version_aliases=["golden"])
    assert [version.number for version in registry.versions(here, "aocr") if "golden" in version.aliases] == [2]
    assert here.models.get_model(name=f"{MODEL}@golden").version_id == "2"
    assert here.models.get_model(name=MODEL).version_id == "1"
    with pytest.raises(BadRequest, match="Invalid version alias"):
        here.models.merge_version_aliases(name=f"{MODEL}@1", version_aliases=["Golden!"])


def test_requests_go_where_the_split_says(here, words):
    known = {"a": 0, "b": 0}
    for _ in range(100):
        answer = here.predictions.predict(endpoint=toys.NAME, instances=[{"b64": "eA=="}])
        known[answer.predictions[0]["output"]] += 1
    assert 15 < known["a"] < 45 and sum(known.values()) == 100


def test_googles_own_client_understands_it(here, words, vertex):
    from google.cloud import aiplatform

    aiplatform.init(
        project="p",
        location="europe-west1",
        credentials=AnonymousCredentials(),
        api_endpoint=vertex.url,
        api_transport="rest",
    )
    endpoint = aiplatform.Endpoint(toys.NAME)
    assert sorted(endpoint.traffic_split.values()) == [30, 70]
    assert {one.model_version_id for one in endpoint.list_models()} == {"1", "2"}
    assert endpoint.predict([{"b64": "eA=="}]).predictions[0]["output"] in ("a", "b")
    model = aiplatform.Model.upload(
        display_name="aocr",
        parent_model=MODEL,
        artifact_uri=f"{toys.SERVING}/aocr/3",
        serving_container_image_uri=toys.IMAGE,
        version_aliases=["theirs"],
        is_default_version=False,
    )
    assert (model.version_id, model.version_aliases) == ("3", ["theirs"])
    endpoint.deploy(model, traffic_percentage=10, machine_type="n1-standard-2", sync=True)
    # The client rounds 27 and 63 down at times, and gives what is left to any of them.
    split = words.split()
    assert split[3] == 10 and sum(split.values()) == 100 and abs(split[1] - 27) <= 1
    assert [info.version_id for info in model.versioning_registry.list_versions()] == ["1", "2", "3"]
