"""What machine a step gets: processors, memory and accelerators, as Vertex AI reads them from the pipeline.

Vertex AI chooses the machine that comes closest to what a step asks for; a step that asks for nothing gets an
e2-standard-4 (https://cloud.google.com/vertex-ai/docs/pipelines/machine-types).
"""

import copy
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from aocr_core.errors import UsageError
from components.workers import ACCELERATOR
from pipelines import spec

ALL = "all"
MEMORY = re.compile(r"[1-9]\d*G")


@dataclass(frozen=True)
class Machine:
    """What one step asks for; what is None is left to Vertex AI."""

    cpu: float | None = None
    """Processors (vCPU), at most 96."""
    memory: str | None = None
    """Such as `32G`, at most 624G."""
    accelerator: str | None = None
    """Such as `NVIDIA_TESLA_T4`."""
    count: int = 1
    """How many accelerators."""

    def resources(self) -> dict[str, Any]:
        """The `resources` of a container in the compiled pipeline, written twice as KFP's compiler does it.

        Fields that begin with `resource` are texts; those without are read by older services.
        """
        asked: dict[str, Any] = {}
        if self.cpu:
            asked |= {"cpuLimit": self.cpu, "resourceCpuLimit": f"{self.cpu:g}"}
        if self.memory:
            asked |= {"memoryLimit": float(self.memory.removesuffix("G")), "resourceMemoryLimit": self.memory}
        if self.accelerator:
            new = {"resourceType": self.accelerator, "resourceCount": str(self.count)}
            # Whole numbers of 64 bits are texts in protobuf's JSON.
            asked["accelerator"] = {"type": self.accelerator, "count": str(self.count)} | new
        return asked


def parse(
    steps: Iterable[str], cpu: Iterable[str] = (), memory: Iterable[str] = (), accelerator: Iterable[str] = ()
) -> dict[str, Machine]:
    """Machines by step from `STEP=VALUE` texts; the step `all` stands for every step that has no value of its own.

    Args:
        steps: names of all steps.
        cpu: `train=8`.
        memory: `train=32G`.
        accelerator: `train=NVIDIA_TESLA_T4` or `train=NVIDIA_L4:2`.

    Raises:
        UsageError: no such step, or no such value.
    """
    machines = dict.fromkeys(steps, Machine())
    for option, pairs in (("--cpu", cpu), ("--memory", memory), ("--accelerator", accelerator)):
        # `all` first, whatever the order on the command line: one step's own value counts more.
        for pair in sorted(pairs, key=lambda pair: not pair.startswith(f"{ALL}=")):
            step, _, value = pair.partition("=")
            named = list(machines) if step == ALL else [step]
            if not set(named) <= set(machines):
                raise UsageError(
                    f"{option} {pair}: no such step; write STEP={_EXAMPLES[option]}, STEP being one of: "
                    f"{', '.join(machines)}, {ALL}"
                )
            for name in named:
                machines[name] = _with(machines[name], option, pair, value)
    return machines


_EXAMPLES = {"--cpu": "8", "--memory": "32G", "--accelerator": "NVIDIA_TESLA_T4:1"}


def _with(machine: Machine, option: str, pair: str, value: str) -> Machine:
    if option == "--cpu" and re.fullmatch(r"\d+(\.\d+)?", value) and float(value) > 0:
        return replace(machine, cpu=float(value))
    if option == "--memory" and MEMORY.fullmatch(value):
        return replace(machine, memory=value)
    if option == "--accelerator" and (match := ACCELERATOR.fullmatch(value)):
        return replace(machine, accelerator=match[1], count=int(match[2] or 1))
    raise UsageError(f"{option} {pair}: write it like STEP={_EXAMPLES[option]}")


def equipped(compiled: spec.Spec, machines: Mapping[str, Machine]) -> spec.Spec:
    """A copy of the pipeline with each step asking for its machine."""
    result = copy.deepcopy(compiled)
    for name, container in spec.containers(result).items():
        asked = machines.get(name, Machine()).resources()
        if asked:
            container["resources"] = container.get("resources", {}) | asked
    return result
