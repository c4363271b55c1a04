"""What was asked for the training step's machine is the workers'."""

from dataclasses import replace

import pytest

from aocr_core.errors import UsageError
from pipelines.vertex.machines import Machine
from pipelines.vertex.workers import assigned, machine_type

ASKED = {"train": Machine(16, "50G", "NVIDIA_TESLA_T4", 2), "evaluate": Machine(8)}


def test_one_machine_trains_in_its_step():
    assert assigned(ASKED, {"worker_count": 1}) == (ASKED, {"worker_count": 1})
    assert assigned(ASKED, {}) == (ASKED, {})


@pytest.mark.parametrize(
    "given", [{"worker_spot": True}, {"worker_machine": "c2-standard-16"}, {"worker_accelerator": "NVIDIA_TESLA_V100"}]
)
def test_one_machine_that_was_chosen_for_the_training_is_a_worker(given: dict):
    machines, parameters = assigned(ASKED, given)
    assert machines["train"] == Machine()
    assert parameters == {"worker_machine": "n1-standard-16", "worker_accelerator": "NVIDIA_TESLA_T4:2"} | given


def test_nothing_given_is_nothing_asked_for():
    """A file of parameters may hold what the console's form shows for it."""
    given = {"worker_count": 1, "worker_machine": "", "worker_accelerator": "", "worker_spot": False}
    assert assigned(ASKED, given) == (ASKED, given)


def test_workers_get_the_machine_and_the_step_that_waits_none():
    machines, parameters = assigned(ASKED, {"worker_count": 3})
    assert machines == {"train": Machine(), "evaluate": Machine(8)}
    assert parameters["worker_machine"] == "n1-standard-16"
    assert parameters["worker_accelerator"] == "NVIDIA_TESLA_T4:2"


def test_what_was_said_of_workers_counts_more():
    given = {"worker_count": 2, "worker_machine": "a2-highgpu-1g", "worker_accelerator": "NVIDIA_TESLA_A100"}
    assert assigned(ASKED, given)[1] == given
    assert assigned({"train": Machine()}, {"worker_count": 2})[1] == {"worker_count": 2}


@pytest.mark.parametrize("size", [Machine(16), Machine(memory="50G")])
def test_an_accelerator_with_machines_of_its_own_is_put_into_no_other(size: Machine):
    given = {"worker_accelerator": "NVIDIA_L4:2"}
    with pytest.raises(UsageError, match="have NVIDIA_L4 built in: name one with --worker-machine"):
        assigned({"train": size}, given)
    asked = replace(size, accelerator="NVIDIA_H100_80GB", count=8)
    with pytest.raises(UsageError, match="have NVIDIA_H100_80GB built in"):
        assigned({"train": asked}, {"worker_count": 2})
    assert assigned({"train": asked}, {"worker_count": 2, "worker_machine": "a3-megagpu-8g"})[1] == {
        "worker_count": 2,
        "worker_machine": "a3-megagpu-8g",
        "worker_accelerator": "NVIDIA_H100_80GB:8",
    }
    assert assigned({"train": Machine()}, given)[1] == given


@pytest.mark.parametrize(
    ("cpu", "memory", "expected"),
    [
        (0, 0, "n1-standard-4"),
        (4, 16, "n1-highmem-4"),
        (5, 0, "n1-standard-8"),
        (8, 30, "n1-standard-8"),
        (2, 60, "n1-standard-16"),
        (96, 624, "n1-highmem-96"),
    ],
)
def test_the_smallest_machine_that_is_large_enough(cpu: float, memory: float, expected: str):
    assert machine_type(cpu, memory) == expected


def test_no_machine_is_large_enough():
    with pytest.raises(UsageError, match="no n1 machine has 128 processors and 0G"):
        machine_type(128, 0)
