"""Asks the deployed model once over HTTP, the way a user would, and checks the answer."""

import shlex
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from aocr_core.data import records
from aocr_core.display import tsv_line
from aocr_core.errors import AocrError
from aocr_core.evaluation import predictions
from aocr_core.evaluation.results import Row
from aocr_core.serving import client, loopback
from pipelines import endpoint, folder
from pipelines.local import StepRun
from pipelines.summary import Asked

JPEG_START = b"\xff\xd8"


def ask(build_dir: Path, version_dir: Path, runs: dict[str, StepRun], code_version: str, keep_endpoint: bool) -> Asked:
    """Have the endpoint read the test image of which the model was surest.

    Args:
        build_dir: the image is written here.
        version_dir: the deployed version.
        runs: the steps of the pipeline's run.
        code_version: see `endpoint.start`.
        keep_endpoint: whether the endpoint stays up.

    Raises:
        AocrError: the endpoint does not come up, or reads something else than the evaluation did.
    """
    number, evaluated = _surest(predictions.load(runs["evaluate"].outputs["results"].path)[0])
    test = records.read(records.files(runs["build-tfrecords"].outputs["test"].path))
    record = next(islice(test, number, None))
    image = build_dir / f"example.{'jpg' if record.image.startswith(JPEG_START) else 'png'}"
    image.write_bytes(record.image)
    server = endpoint.start(build_dir, version_dir, code_version)
    try:
        with loopback.unproxied():
            text, probability = client.ask(server.url, [record.image])[0]
    finally:
        if not keep_endpoint:
            endpoint.stop(build_dir)
    # It is the same model, only exported and behind a server.
    if tsv_line(text).rstrip("\n") != evaluated:
        raise AocrError(f"the endpoint reads {text!r} in {image} where the evaluation read {evaluated!r}")
    return Asked(
        url=server.url,
        pid=server.pid if keep_endpoint else None,
        stop="make stop" if build_dir == folder.DEFAULT else f"make stop BUILD={shlex.quote(str(build_dir))}",
        image=str(image),
        label=record.label,
        text=text,
        probability=probability,
        curl=_curl(server.url, image),
    )


def _surest(rows: Sequence[Row]) -> tuple[int, str]:
    """Number in the test set, and text (escaped as in the table), of the reading with the highest probability."""
    return max(((number, row.text) for number, row in enumerate(rows)), key=lambda found: rows[found[0]].probability)


def _curl(url: str, image: Path) -> str:
    """A command line that works in any POSIX shell, with any image in place of this one."""
    encoded = f"\"$(base64 < {shlex.quote(str(image))} | tr -d '\\n')\""
    return f"""printf '{{"inputs": {{"input": {{"b64": "%s"}}}}}}' {encoded} | curl -s -d @- {url}:predict"""
