"""The fuzzing benchmark, small."""

import http.client
import subprocess
import sys

import pytest
from hypothesis import find, settings

from aocr_core.data.images import ImageError, plain
from benchmarks import fuzz_images, serving_fuzz
from benchmarks.serving_fuzz import Target
from tests.aocr_core.serving import tiny_export


@pytest.mark.slow
def test_nothing_that_is_sent_is_answered_with_a_failure(tmp_path):
    tiny_export.write(tmp_path / "1")
    command = [sys.executable, "-m", "benchmarks.serving_fuzz", str(tmp_path), "--requests", "400"]
    command += ["--most-growth", "1000"]  # with so few requests it is TensorFlow's start that is measured
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the same image before and after: True" in done.stdout
    assert "the server's failures: none" in done.stdout


def test_a_failure_that_nobody_read_is_seen_in_the_server_s_own_count(tmp_path, place, running, monkeypatch):
    place(tmp_path / "1")
    with running(tmp_path) as server:
        target = Target(server.url)
        assert target.post(target.paths[0], b"{}")[0] == 400
        assert serving_fuzz.failures(serving_fuzz.by_status(server.url)) == {}
        monkeypatch.setattr("aocr_core.serving.dialect.parse", lambda *_: 1 / 0)
        target.send(b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}" % target.paths[0].encode())
        counted = serving_fuzz.by_status(server.url)
    assert serving_fuzz.failures(counted) == {"500": 1}
    assert serving_fuzz.failures({"200": 5, "503": 2}) == {}


def test_a_connection_that_the_server_has_closed_is_opened_again(tmp_path, place, running, monkeypatch, eventually):
    place(tmp_path / "1")
    with running(tmp_path, keep_alive=0.5) as server:
        target = Target(server.url)
        assert target.post(target.paths[0], b"{}")[0] == 400
        connection = target._connection.sock
        eventually(lambda: connection.recv(1) == b"")
        with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
            target.post(target.paths[0], b"{}")  # so soon, it is worth a look
        monkeypatch.setattr(serving_fuzz, "IDLE", -1.0)
        assert target.post(target.paths[0], b"{}")[0] == 400


def reason(data: bytes) -> str:
    try:
        return plain(data).format
    except ImageError as error:
        return error.kind


def test_the_image_of_sixty_thousand_pixels_a_side_is_refused_for_them():
    assert reason(fuzz_images.HUGE) == "image too large"


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_images_put_together_from_parts_are_read_refused_and_rewritten(kind):
    strategy = {"PNG": fuzz_images.png_of_chunks, "JPEG": fuzz_images.jpeg_of_segments()}[kind]
    many = settings(max_examples=2000, database=None, deadline=None)
    find(strategy, lambda data: reason(data) == kind and plain(data).data == data, settings=many)
    find(strategy, lambda data: reason(data) == kind and plain(data).data != data, settings=many)
    find(strategy, lambda data: reason(data) == "damaged image", settings=many)
