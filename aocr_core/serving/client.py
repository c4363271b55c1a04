"""Asks a server that speaks TF Serving's REST dialect: ours, or TF Serving itself. Standard library only."""

import base64
import json
import urllib.error
import urllib.request

from aocr_core.errors import AocrError


def ask(url: str, images: list[bytes], timeout: float = 60.0) -> list[tuple[str, float]]:
    """Have images read.

    Args:
        url: Address of the model, as the server prints it: `http://127.0.0.1:9001/v1/models/aocr`.
        images: Encoded images.
        timeout: Seconds to wait for the answer.

    Returns:
        Text and probability of each image, in order.

    Raises:
        AocrError: the server cannot be reached, refuses, or does not answer as ours do.
    """
    if not images:
        return []
    body = {"instances": [{"b64": base64.b64encode(image).decode("ascii")} for image in images]}
    request = urllib.request.Request(
        f"{url}:predict", json.dumps(body).encode(), headers={"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            answer = response.read()
    except urllib.error.HTTPError as error:
        raise AocrError(f"{url}: {_reason(error)}") from error
    except OSError as error:
        raise AocrError(f"cannot reach {url}: {getattr(error, 'reason', error)}") from error
    try:
        return [(row["output"], float(row["probability"])) for row in json.loads(answer)["predictions"]]
    except (ValueError, KeyError, TypeError) as error:
        raise AocrError(f"{url} does not answer like an exported aocr model: {answer[:100]!r}") from error


def _reason(error: urllib.error.HTTPError) -> str:
    """The server's own words where it gave some."""
    body = error.read().decode("utf-8", "replace")
    try:
        return f"{json.loads(body)['error']} (HTTP {error.code})"
    except (ValueError, KeyError, TypeError):
        return f"HTTP {error.code} {error.reason}"
