"""Something to learn from when nothing was given: rendered words."""

import json
from pathlib import Path

from aocr_core.config import SynthOptions


def rendered(folder: Path, options: SynthOptions, code_version: str) -> tuple[str, str]:
    """Annotation files of training and test words in `folder`, rendered unless they are there already.

    Returns:
        Path of the training and of the test annotations.
    """
    from aocr_core.data.synth.build import build

    made_of = json.dumps({"options": options.model_dump(), "code": code_version})
    marker = folder.with_suffix(".json")
    if not marker.is_file() or marker.read_text(encoding="utf-8") != made_of:
        marker.unlink(missing_ok=True)
        build(str(folder), options)
        marker.write_text(made_of, encoding="utf-8")
    return str(folder / "training.txt"), str(folder / "testing.txt")
