"""Fixtures that all tests share."""

import io
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import hypothesis
import pytest
from PIL import Image, ImageDraw

# A test must not depend on the speed of the machine (nor on a first import of TensorFlow).
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

SHARED_DATA = Path(__file__).parents[1] / "../shared/data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes minutes comes first, or one of the processes that share the tests would end long after the others."""
    items.sort(key=lambda item: "end_to_end" not in item.path.parts)


@pytest.fixture(autouse=True)
def fresh_log() -> None:
    """Every test finds the log as in a new process, whatever commands have run in this one."""
    logging.getLogger().setLevel(logging.WARNING)
    for package in ("aocr_core", "components", "pipelines"):
        logger = logging.getLogger(package)
        logger.handlers.clear()
        logger.setLevel(logging.NOTSET)
        logger.propagate = True


@pytest.fixture
def shared_data() -> Callable[[str], Path]:
    """`shared_data("bad_inputs")`: the folder of a data set that lies beside the repository; skips where it is not."""

    def folder(name: str) -> Path:
        path = (SHARED_DATA / name).resolve()
        if not path.is_dir():
            pytest.skip(f"needs the data set {name} in ../shared/data")
        return path

    return folder


@pytest.fixture
def vertex() -> Iterator[Any]:
    """A stand-in for Vertex AI on loopback. To really run pipelines on it, ask for `bucket` as well."""
    pytest.importorskip("google.cloud.aiplatform_v1", reason="needs google-cloud-aiplatform")
    from tests.vertex.server import VertexDouble

    with VertexDouble() as double:
        yield double


@pytest.fixture
def word_image() -> Callable[..., bytes]:
    """`word_image("text")`: the PNG of a word in black on white; other formats and modes by name."""

    def encoded(text: str, size: tuple[int, int] = (96, 32), mode: str = "L", kind: str = "PNG") -> bytes:
        image = Image.new("L", size, 255)
        ImageDraw.Draw(image).text((4, 8), text, fill=0)
        buffer = io.BytesIO()
        image.convert(mode).save(buffer, kind)
        return buffer.getvalue()

    return encoded


@pytest.fixture(scope="session")
def emulator() -> Iterator[Any]:
    """A Cloud Storage emulator on loopback with the bucket `words`; its `address` is "host:port"."""
    pytest.importorskip("google.cloud.storage", reason="needs google-cloud-storage")
    servers = pytest.importorskip("gcp_storage_emulator.server", reason="needs gcp-storage-emulator")
    server = servers.create_server("127.0.0.1", 0, in_memory=True, default_bucket="words")
    server.start()
    server.address = f"127.0.0.1:{server._api._httpd.server_port}"
    yield server
    server.stop()


@pytest.fixture
def bucket(emulator: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """`gs://…` of an empty bucket in the emulator."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://{emulator.address}")
    yield "gs://words"
    emulator.wipe(keep_buckets=True)


@pytest.fixture
def words(vertex: Any, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """An endpoint-to-be on the stand-in, with toys for containers: `words.export("a")` is one that reads `a`."""
    from components.vertex import changes
    from tests.components.vertex import toys

    monkeypatch.setenv("AOCR_VERTEX_ENDPOINT", vertex.url)
    monkeypatch.setattr(changes, "FIRST_WAIT", 0.01)
    started = toys.Toys()
    started.texts = {f"{toys.SERVING}/aocr/{number}": text for number, text in enumerate("abcdef", start=1)}
    vertex.endpoints.start = started
    trouble: list[str] = []

    def look(rpc: str) -> None:
        found = vertex.endpoints.trouble()
        if not found and namespace.always_served and not namespace.split():
            found = "no traffic at all"
        if found:
            trouble.append(f"after {rpc}: {found}")

    namespace = SimpleNamespace(
        vertex=vertex,
        toys=started,
        export=lambda text: toys.export(tmp_path / "exports", text),
        export_dir=lambda text: str(tmp_path / "exports" / text),
        split=lambda: vertex.endpoints.split(toys.NAME),
        deployed=lambda: vertex.endpoints.deployed(toys.NAME),
        always_served=False,
    )
    vertex.after = look
    yield namespace
    assert trouble == []
