import pytest

from aocr_core.cli.options import build
from aocr_core.errors import UsageError
from components.workers import WorkerOptions


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"machineType": "n1-standard-8"}),
        ({"worker_machine": "c2-standard-16"}, {"machineType": "c2-standard-16"}),
        (
            {"worker_accelerator": "NVIDIA_TESLA_T4"},
            {"machineType": "n1-standard-8", "acceleratorType": "NVIDIA_TESLA_T4", "acceleratorCount": 1},
        ),
        (
            {"worker_accelerator": "NVIDIA_L4:2"},
            {"machineType": "g2-standard-24", "acceleratorType": "NVIDIA_L4", "acceleratorCount": 2},
        ),
        (
            {"worker_accelerator": "NVIDIA_L4", "worker_machine": "g2-standard-4"},
            {"machineType": "g2-standard-4", "acceleratorType": "NVIDIA_L4", "acceleratorCount": 1},
        ),
        (
            {"worker_accelerator": "NVIDIA_TESLA_A100:8"},
            {"machineType": "a2-highgpu-8g", "acceleratorType": "NVIDIA_TESLA_A100", "acceleratorCount": 8},
        ),
    ],
)
def test_an_accelerator_gets_a_machine_that_has_it(given: dict, expected: dict):
    assert WorkerOptions(**given).machine() == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, False),
        ({"worker_count": 2}, True),
        ({"worker_machine": "c2-standard-16"}, True),
        ({"worker_accelerator": "NVIDIA_L4"}, True),
        ({"worker_spot": True}, True),
    ],
)
def test_a_machine_chosen_for_the_training_makes_it_a_job_of_its_own(given: dict, expected: bool):
    assert WorkerOptions(**given).apart is expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"worker_accelerator": "T4:0"}, "--worker-accelerator: input should be like NVIDIA_TESLA_T4:1"),
        ({"worker_count": 0}, "--worker-count: input should be greater than or equal to 1"),
    ],
)
def test_mistakes(given: dict, message: str):
    with pytest.raises(UsageError, match=message):
        build(WorkerOptions, given)
