"""The machines that train one model: how many, and of what kind."""

import re
from typing import Annotated, Any

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from aocr_core.config import Options

ACCELERATOR = re.compile(r"([A-Z][A-Z0-9_]+)(?::([1-9]\d?))?")
"""`NVIDIA_TESLA_T4`, or with how many of them: `NVIDIA_TESLA_T4:2`."""

USUAL = "n1-standard-8"
COUNTS = (1, 2, 4, 8)
MACHINES = {
    "NVIDIA_L4": dict(
        zip(COUNTS, ("g2-standard-12", "g2-standard-24", "g2-standard-48", "g2-standard-96"), strict=True)
    ),
    "NVIDIA_TESLA_A100": {count: f"a2-highgpu-{count}g" for count in COUNTS},
    "NVIDIA_A100_80GB": {count: f"a2-ultragpu-{count}g" for count in COUNTS},
    "NVIDIA_H100_80GB": {count: f"a3-highgpu-{count}g" for count in COUNTS},
}
"""Accelerators that are built into machines of their own
(https://cloud.google.com/vertex-ai/docs/training/configure-compute); others are put into an n1."""


class WorkerOptions(Options):
    """Machines that train, one or several together; with none of these options the step's own machine does."""

    worker_count: Annotated[int, Field(ge=1, le=64)] = Field(
        1,
        description="Machines that train one model together, each on its share of every batch, of which --batch-size "
        "must be a multiple. More than 1, or any other option of workers, needs Vertex AI: the training becomes a job "
        "of its own.",
    )
    worker_machine: str | None = Field(
        None,
        description="Machine type of each worker, also of a single one, such as n1-standard-16. "
        "[default: one that has the accelerator; n1-standard-8]",
    )
    worker_accelerator: str | None = Field(
        None,
        description="Accelerators of each worker, also of a single one, and how many: NVIDIA_TESLA_T4:1. "
        "[default: none]",
    )
    worker_spot: bool = Field(
        False,
        description="Train on Spot machines, which cost less and may be taken away: then all workers start again, and "
        "the training goes on from its last checkpoint.",
    )

    @field_validator("worker_accelerator")
    @classmethod
    def _accelerator(cls, text: str | None) -> str | None:
        if text and not ACCELERATOR.fullmatch(text):
            raise PydanticCustomError("accelerator", "input should be like NVIDIA_TESLA_T4:1")
        return text

    @property
    def apart(self) -> bool:
        """Whether the training is a job of its own: on several machines, or on one that was chosen for it."""
        return self.worker_count > 1 or bool(self.worker_machine or self.worker_accelerator or self.worker_spot)

    @property
    def devices(self) -> int:
        """Processors or accelerators that train together: each machine's accelerators, or the machine itself."""
        match = ACCELERATOR.fullmatch(self.worker_accelerator or "")
        return self.worker_count * int((match and match[2]) or 1)

    def machine(self) -> dict[str, Any]:
        """The `MachineSpec` of a worker in the JSON form of the REST API."""
        match = ACCELERATOR.fullmatch(self.worker_accelerator or "")
        if not match:
            return {"machineType": self.worker_machine or USUAL}
        kind, count = match[1], int(match[2] or 1)
        machine = self.worker_machine or MACHINES.get(kind, {}).get(count, USUAL)
        return {"machineType": machine, "acceleratorType": kind, "acceleratorCount": count}
