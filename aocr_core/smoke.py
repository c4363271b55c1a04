"""Images that lie in an export together with what it reads in them: whoever puts it to work can see that it does.

They lie in `EXPORT/<version>/assets.extra/`, where TF Serving expects what a model's users may need and no server reads
(https://www.tensorflow.org/tfx/serving/saved_model_warmup uses the same place).
"""

import base64
import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from aocr_core import storage
from aocr_core.errors import AocrError

FILE = "assets.extra/smoke.json"
MOST = 4
"""Images in an export."""
LARGEST = 128 * 1024
"""Bytes of one of them: all together fit into one request to Vertex AI (1.5 MB), in base64."""


class Known(NamedTuple):
    """An image, and what the export reads in it."""

    image: bytes
    text: str
    probability: float


def chosen(readings: Iterable[Known]) -> list[Known]:
    """Those that are best to be asked: other texts each, and of each the surest.

    Of what a model is sure it reads the same on another machine, too, where the same sums are added in another order.
    """
    surest: dict[str, Known] = {}
    # An image in which it reads nothing tells little.
    for known in sorted(readings, key=lambda known: (not known.text, -known.probability)):
        if len(known.image) <= LARGEST:
            surest.setdefault(known.text, known)
    return list(surest.values())[:MOST]


def write(version: Path, readings: Iterable[Known]) -> None:
    """Put the best of some readings into an export."""
    file = version / FILE
    file.parent.mkdir(exist_ok=True)
    rows = [known._asdict() | {"image": base64.b64encode(known.image).decode()} for known in chosen(readings)]
    file.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def read(version: str) -> list[Known]:
    """What lies in an export, local or `gs://…`.

    Raises:
        AocrError: there is none.
    """
    if not (found := find(version)):
        raise AocrError(f"{version} holds no images to try it with ({FILE}): export the model again")
    return found


def find(version: str) -> list[Known]:
    """The same, and nothing where there is none."""
    try:
        rows = json.loads(storage.read_bytes(storage.join(version, FILE)))
    except storage.MissingError:
        return []
    return [Known(base64.b64decode(row["image"]), row["text"], row["probability"]) for row in rows]
