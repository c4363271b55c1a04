"""The endpoint is the real server, in the background, with a real (tiny) SavedModel."""

import json
import shutil
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aocr_core.errors import AocrError
from aocr_core.serving import client
from pipelines import endpoint
from tests.aocr_core.serving.tiny_export import png, write

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def export(tmp_path_factory) -> Path:
    return write(tmp_path_factory.mktemp("export") / "1")


@pytest.fixture
def build_dir(tmp_path: Path):
    yield tmp_path
    endpoint.stop(tmp_path)


def deployed(build_dir: Path, export: Path, version: int) -> Path:
    target = build_dir / "serving" / "words" / str(version)
    shutil.copytree(export, target)
    return target


def test_one_endpoint_serves_version_after_version(build_dir: Path, export: Path):
    first = endpoint.start(build_dir, deployed(build_dir, export, 1), "code")
    assert first.url.endswith("/v1/models/words")
    assert client.ask(first.url, [png(50, 20)])[0][0] == "50x20"
    assert endpoint.running(build_dir) == first
    second = endpoint.start(build_dir, deployed(build_dir, export, 2), "code")
    assert second == first
    changed = endpoint.start(build_dir, build_dir / "serving" / "words" / "2", "other code")
    assert changed.pid != first.pid
    assert not endpoint._alive(first.pid)
    assert endpoint.stop(build_dir) == changed
    assert endpoint.running(build_dir) is None
    assert endpoint.stop(build_dir) is None
    with pytest.raises(AocrError, match="cannot reach"):
        client.ask(changed.url, [b"image"])


def test_an_endpoint_that_does_not_come_up_says_why(build_dir: Path):
    version = build_dir / "serving" / "words" / "1"
    version.mkdir(parents=True)
    (version / "saved_model.pb").write_bytes(b"nonsense")
    with pytest.raises(AocrError, match=r"does not come up: aocr: .*endpoint\.log"):
        endpoint.start(build_dir, version, "code")
    assert endpoint.running(build_dir) is None


def test_another_program_on_the_port_is_left_alone(build_dir: Path, export: Path, monkeypatch):
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        monkeypatch.setattr(endpoint, "PORT", other.getsockname()[1])
        started = endpoint.start(build_dir, deployed(build_dir, export, 1), "code")
        assert started.port != other.getsockname()[1]


def test_two_that_start_at_once_take_neither_the_others_port_nor_its_answers(tmp_path: Path, export: Path, monkeypatch):
    monkeypatch.setattr(endpoint, "PORT", endpoint._free_port())
    folders = [tmp_path / name for name in "ab"]
    versions = [deployed(folder, export, 1) for folder in folders]
    try:
        with ThreadPoolExecutor() as pool:
            first, second = pool.map(endpoint.start, folders, versions, ["code"] * 2)
        assert first.port != second.port
        assert (endpoint.running(folders[0]), endpoint.running(folders[1])) == (first, second)
    finally:
        for folder in folders:
            endpoint.stop(folder)


def test_a_proxy_for_the_world_outside_is_not_asked_for_this_machine(build_dir: Path, export: Path, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setattr(urllib.request, "_opener", None)  # it keeps the proxies of the first request
    started = endpoint.start(build_dir, deployed(build_dir, export, 1), "code")
    assert endpoint.running(build_dir) == started


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1, "place": "elsewhere"}'])
def test_a_note_that_is_damaged_or_of_another_version_tells_of_no_endpoint(tmp_path: Path, text: str):
    (tmp_path / "endpoint.json").write_text(text)
    assert endpoint.running(tmp_path) is None
    assert endpoint.stop(tmp_path) is None


def test_a_process_number_that_is_another_programs_by_now(build_dir: Path, export: Path):
    """Neither taken for the endpoint, though the endpoint's port answers, nor killed."""
    started = endpoint.start(build_dir, deployed(build_dir, export, 1), "code")
    note = build_dir / "endpoint.json"
    written = note.read_text()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        note.write_text(json.dumps(json.loads(written) | {"pid": other.pid}))
        assert endpoint.running(build_dir) is None
        assert endpoint.stop(build_dir) is None
        assert other.poll() is None
        other.communicate(b"\n")
    assert endpoint._alive(started.pid)
    note.write_text(written)
