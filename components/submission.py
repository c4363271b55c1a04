"""What a run was submitted with, for those steps that start something of their own on Vertex AI."""

import os
from typing import Any

from pydantic import Field

from aocr_core.config import Options

VARIABLE = "AOCR_SUBMITTED"
"""Environment variable of such a step with a `Submission` as JSON. It holds nothing that differs from run to run where
a step is to be reused: KFP reuses it only while its environment stays the same."""


class Submission(Options):
    """As whom and where the run runs, what protects it, and how it is found again."""

    service_account: str | None = Field(None, description="Account to run as.")
    network: str | None = Field(None, description="VPC network to peer with: projects/NUMBER/global/networks/NAME.")
    kms_key: str | None = Field(None, description="Customer-managed key (CMEK).")
    labels: dict[str, str] = Field(default_factory=dict, description="Labels.")

    def of_resource(self) -> dict[str, Any]:
        """What a new model or endpoint of this run has of it."""
        key = {"encryption_spec": {"kms_key_name": self.kms_key}} if self.kms_key else {}
        return {"labels": self.labels} | key


def submission() -> Submission:
    """What this step's run was submitted with; nothing where it was not told."""
    told = os.environ.get(VARIABLE)
    return Submission.model_validate_json(told) if told else Submission()
