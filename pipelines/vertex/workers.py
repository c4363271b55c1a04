"""The training step of a run whose training is a job of its own: its machines are the workers', and it only waits."""

from collections.abc import Mapping
from typing import Any

from aocr_core.errors import UsageError
from components.form import options
from components.workers import MACHINES, WorkerOptions
from pipelines.vertex.machines import Machine

STEP = "train"
SIZES = (4, 8, 16, 32, 64, 96)
GIGABYTES = {"standard": 3.75, "highmem": 6.5}
"""For each processor of an n1 machine (https://cloud.google.com/compute/docs/general-purpose-machines#n1_machines)."""


def apart(parameters: Mapping[str, Any]) -> bool:
    """Whether the training is such a job."""
    return options(WorkerOptions, parameters).apart


def assigned(
    machines: Mapping[str, Machine], parameters: Mapping[str, Any]
) -> tuple[dict[str, Machine], dict[str, Any]]:
    """What was asked for the training step goes to its workers; what was asked for them counts more.

    Args:
        machines: by step.
        parameters: of the pipeline.

    Returns:
        Both, as they are to be.

    Raises:
        UsageError: no machine is so large or has the accelerator, or an option of workers is out of its range.
    """
    machines, parameters = dict(machines), dict(parameters)
    asked = machines.get(STEP, Machine())
    if not apart(parameters):
        return machines, parameters
    if asked.accelerator and not parameters.get("worker_accelerator"):
        parameters["worker_accelerator"] = f"{asked.accelerator}:{asked.count}"
    if (asked.cpu or asked.memory) and not parameters.get("worker_machine"):
        accelerator = str(parameters.get("worker_accelerator") or "").partition(":")[0]
        if accelerator in MACHINES:
            raise UsageError(
                f"--cpu and --memory do not choose among the machines that have {accelerator} built in: "
                "name one with --worker-machine"
            )
        parameters["worker_machine"] = machine_type(asked.cpu or 0.0, float((asked.memory or "0G").removesuffix("G")))
    machines[STEP] = Machine()
    return machines, parameters


def machine_type(cpu: float, memory: float) -> str:
    """The smallest n1 machine with so many processors and gigabytes.

    Raises:
        UsageError: there is none.
    """
    for size in SIZES:
        for family, each in GIGABYTES.items():
            if size >= cpu and size * each >= memory:
                return f"n1-{family}-{size}"
    raise UsageError(f"no n1 machine has {cpu:g} processors and {memory:g}G: name one with --worker-machine")
