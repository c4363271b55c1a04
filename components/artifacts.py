"""How steps fill the artifacts that hold figures."""

import json
from collections.abc import Mapping
from pathlib import Path

from kfp.dsl import Artifact


def record(artifact: Artifact, figures: Mapping[str, float | bool | str]) -> None:
    """Put figures where the console shows them, and into the artifact's file as JSON.

    The file matters: KFP's local cache does not reuse a step that has an artifact without one.
    """
    artifact.metadata.update(figures)
    Path(artifact.path).write_text(json.dumps(dict(figures), indent=1) + "\n", encoding="utf-8")
