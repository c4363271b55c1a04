import contextlib
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from aocr_core.config import ServeOptions
from aocr_core.serving.server import Server
from aocr_core.serving.vertex import Contract
from tests.aocr_core.serving import tiny_export

Place = Callable[[Path, str], Path]
Running = Callable[..., AbstractContextManager[Server]]


@pytest.fixture(scope="session")
def place(tmp_path_factory) -> Place:
    """`place(folder, name)` puts an export there whose texts begin with `name`; it appears whole."""
    written: dict[str, Path] = {}

    def put(folder: Path, name: str = "") -> Path:
        if name not in written:
            written[name] = tiny_export.write(tmp_path_factory.mktemp("export") / "model", name)
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(written[name], folder.with_name(f".{folder.name}"))
        return folder.with_name(f".{folder.name}").rename(folder)

    return put


@pytest.fixture(scope="session")
def running() -> Running:
    """`with running(base) as server:` serves on a free port, in a thread."""

    @contextlib.contextmanager
    def run(
        base: Path, contract: Contract | None = None, token: str | None = None, **options: object
    ) -> Iterator[Server]:
        server = Server(base, ServeOptions(**{"rest_api_port": 0, **options}), contract, token)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            yield server
        finally:
            server.stop()
            thread.join(60)
        assert not thread.is_alive()

    return run


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The servers of the tests are asked directly, whatever the environment names for the world outside."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Wait until something is so; how long that takes is the machine's affair."""

    def wait(condition: Callable[[], bool]) -> None:
        end = time.monotonic() + 120
        while not condition():
            assert time.monotonic() < end, "it never came true"
            time.sleep(0.05)

    return wait


@pytest.fixture(scope="module")
def base(tmp_path_factory, place):
    folder = tmp_path_factory.mktemp("base")
    place(folder / "1")
    return folder
