import pytest

from aocr_core.errors import UsageError
from aocr_core.serving.vertex import Contract, from_environment


def test_no_contract_outside_a_serving_container():
    assert from_environment({"AIP_MODEL_DIR": "gs://b/model", "AIP_CHECKPOINT_DIR": "gs://b/checkpoints"}) is None


def test_contract_as_vertex_sets_it():
    route = "/v1/endpoints/7/deployedModels/8"
    environment = {
        "AIP_HTTP_PORT": "8080",
        "AIP_HEALTH_ROUTE": route,
        "AIP_PREDICT_ROUTE": f"{route}:predict",
        "AIP_STORAGE_URI": "gs://bucket/model",
    }
    assert from_environment(environment) == Contract(8080, route, f"{route}:predict", "gs://bucket/model", "0.0.0.0")


def test_model_without_files_of_its_own_lies_in_the_image():
    contract = from_environment({"AIP_HTTP_PORT": "8080", "AIP_STORAGE_URI": ""})
    assert contract == Contract(8080, "/health", "/predict", None)


def test_port_that_is_no_number():
    with pytest.raises(UsageError, match="AIP_HTTP_PORT must be a port number"):
        from_environment({"AIP_HTTP_PORT": "http"})


@pytest.mark.parametrize("name", ["AIP_HEALTH_ROUTE", "AIP_PREDICT_ROUTE"])
def test_route_that_is_no_path(name):
    with pytest.raises(UsageError, match=rf"^{name} must begin with / \(got 'predict'\)$"):
        from_environment({"AIP_HTTP_PORT": "8080", name: "predict"})
