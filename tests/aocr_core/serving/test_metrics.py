"""What Prometheus reads, over real sockets, and the description of the routes."""

import json
import urllib.request

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from aocr_core.serving.metrics import Metrics
from tests.aocr_core.serving import tiny_export
from tests.aocr_core.serving.test_server import b64, call


@pytest.fixture
def server(tmp_path, place, running):
    place(tmp_path / "3")
    with running(tmp_path) as server:
        yield server


def samples(url: str) -> dict[tuple[str, ...], float]:
    """Every sample: name, and values of its labels in the order of their names -> value."""
    with urllib.request.urlopen(url.replace("/v1/models/aocr", "/metrics"), timeout=60) as response:
        assert response.headers["content-type"].startswith("text/plain")
        families = text_string_to_metric_families(response.read().decode())
    return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


def test_requests_batches_images_and_probabilities_are_counted(server):
    url = server.url
    gray = tiny_export.png(30, gray=51)
    assert call(f"{url}:predict", {"instances": [b64(tiny_export.png(30)), b64(gray)]})[0] == 200
    assert call(f"{url}:predict", {"instances": [b64(b"nothing")]})[0] == 400
    assert call(f"{url}:predict", {"instances": [b64(tiny_export.png(30)[:60])]})[0] == 400
    call(f"{url.removesuffix('aocr')}unknown")
    call(url.removesuffix("/v1/models/aocr") + "/nowhere")
    found = samples(url)
    route = "/v1/models/{name}:predict"
    assert found["aocr_requests_total", "aocr", route, "200"] == 1
    assert found["aocr_requests_total", "aocr", route, "400"] == 2
    # Names that nobody serves make no series of their own.
    assert found["aocr_requests_total", "", "/v1/models/{name}", "404"] == 1
    assert found["aocr_requests_total", "", "none", "404"] == 1
    assert found["aocr_request_seconds_count", route] == 3
    assert found["aocr_batch_images_sum",] == 2
    assert found["aocr_images_refused_total", "not an image"] == 1
    assert found["aocr_images_refused_total", "damaged image"] == 1
    assert found["aocr_probability_bucket", "0.3", "aocr", "3"] == 1
    assert found["aocr_probability_count", "aocr", "3"] == 2
    assert found["aocr_model_version", "aocr"] == 3
    assert found["aocr_queue_images",] == 0
    assert found["process_resident_memory_bytes",] > 0


def test_probabilities_of_a_new_version_are_told_from_those_of_the_old_one_and_not_kept_for_ever(
    tmp_path, place, running, eventually
):
    place(tmp_path / "1")
    with running(tmp_path) as server:
        url = f"{server.url}:predict"
        assert call(url, {"inputs": b64(tiny_export.png(30))})[0] == 200
        for version in (2, 3, 4):
            place(tmp_path / str(version))
            eventually(lambda version=version: server.models.find("aocr").current.version == version)
            assert call(url, {"inputs": b64(tiny_export.png(30))})[0] == 200
        counts = {labels[2]: value for labels, value in samples(server.url).items() if "probability_count" in labels[0]}
    assert counts == {"3": 1, "4": 1}


@pytest.mark.parametrize(
    ("answers", "shown"),
    [((1, 2, 1, 3), {1, 3}), ((1, 2, 3, 1, 3, 4), {3, 4})],
    ids=["a version comes back", "a late answer of an old version"],
)
def test_the_probabilities_shown_are_those_of_the_versions_that_answered_last(answers, shown):
    metrics = Metrics()
    for version in answers:
        metrics.observe_probabilities("words", version, np.array([0.5]))
    (family,) = [family for family in metrics.registry.collect() if family.name == "aocr_probability"]
    assert {int(sample.labels["version"]) for sample in family.samples} == shown


def test_the_description_names_every_route_and_promises_no_foreign_error(server):
    root = server.url.removesuffix("/v1/models/aocr")
    status, document = call(f"{root}/openapi.json")
    assert status == 200
    assert set(document["paths"]) >= {
        "/v1/models/{name}",
        "/v1/models/{name}/versions/{version}:predict",
        "/v2/models/{name}/infer",
        "/v2/health/ready",
        "/metrics",
    }
    predict = document["paths"]["/v1/models/{name}:predict"]["post"]
    assert set(predict["responses"]) == {"200", "400", "401", "404", "408", "413", "503"}
    assert [parameter["name"] for parameter in predict["parameters"]] == ["name"]
    assert "HTTPValidationError" not in json.dumps(document)


@pytest.mark.parametrize("path", ["/v1/models/{name}:predict", "/v2/models/{name}/infer"])
def test_the_examples_of_the_description_work(server, path):
    root = server.url.removesuffix("/v1/models/aocr")
    body = call(f"{root}/openapi.json")[1]["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    status, answer = call(root + path.format(name="aocr"), body["example"])
    assert status == 200
    assert "24x10" in json.dumps(answer)
