"""An endpoint on the stand-in whose versions are toys: they read what they were told, at once."""

from pathlib import Path
from typing import Any

from google.api_core.exceptions import InternalServerError
from google.cloud.aiplatform_v1.types import Model

from aocr_core import smoke, storage
from aocr_core.smoke import Known
from components import deployment
from components.inputs import EndpointOptions

NAME = "projects/p/locations/europe-west1/endpoints/words"
IMAGE = f"europe-docker.pkg.dev/p/aocr/aocr-python@sha256:{'0' * 64}"
SERVING = "gs://words/serving"
FIGURES = {"accuracy": 0.975, "cer": 0.0125, "count": 40.0}
OPTIONS = EndpointOptions(endpoint=NAME, canary_percent=20)


class Toy:
    """A container whose every answer is `text`; None: it answers with an error."""

    def __init__(self, text: str | None) -> None:
        self.text, self.up = text, True

    def predict(self, body: dict[str, Any]) -> dict[str, Any]:
        assert self.up
        if self.text is None:
            raise InternalServerError("out of order")
        return {"predictions": [{"output": self.text, "probability": 1.0} for _ in body["instances"]]}

    def stop(self) -> None:
        self.up = False


class Toys:
    """Starts a toy for a version: by the place of its files, what it reads."""

    def __init__(self) -> None:
        self.texts: dict[str, str | None] = {}
        self.started: list[Toy] = []
        self.broken = False
        """Whether containers do not start."""

    def __call__(self, model: Model) -> Toy:
        if self.broken:
            raise RuntimeError("it crashed")
        toy = Toy(self.texts[model.artifact_uri])
        self.started.append(toy)
        return toy


def export(folder: Path, text: str) -> str:
    """What an export leaves, in the eyes of the deployment; it reads `text` in its image."""
    version = folder / text / "1"
    (version / "variables").mkdir(parents=True)
    (version / "saved_model.pb").write_text(f"graph that reads {text}")
    (version / "variables" / "variables.data-00000-of-00001").write_bytes(b"content" + bytes(20_000))
    smoke.write(version, [Known(f"image of {text}".encode(), text, 0.9)])
    return str(folder / text)


def deploy(export_dir: str, options: EndpointOptions = OPTIONS, **given: Any) -> str:
    """`components.deployment.deploy` with what these tests take for granted."""
    wanted = {"image": IMAGE, "figures": FIGURES} | given
    return deployment.deploy(export_dir, SERVING, "aocr", options, **wanted)


def versions_kept() -> list[str]:
    """The versions in the folder of served models."""
    return storage.list_dirs(f"{SERVING}/aocr")
