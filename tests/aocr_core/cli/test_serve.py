"""`aocr serve` as a user or a container runs it: a process, its output, signals and exit codes."""

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from aocr_core import storage
from aocr_core.serving.client import Client, ask
from tests.aocr_core.serving import tiny_export
from tests.ports import held

AOCR = [sys.executable, "-m", "aocr_core"]


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    base = tmp_path_factory.mktemp("exported")
    tiny_export.write(base / "3")
    return base


@pytest.fixture
def start():
    """Start a command; whatever happens, it is gone after the test."""
    processes = []

    def run(*arguments: str, **environment: str) -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(
            [*AOCR, "serve", *arguments],
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process, process.stdout.readline()

    yield run
    for process in processes:
        process.kill()
        process.communicate(timeout=60)


@pytest.fixture
def port():
    with held(1) as (port,):
        yield port


def fails(*arguments: str, **environment: str) -> tuple[int, str]:
    """Exit code and error output of a command that must not come as far as serving."""
    done = subprocess.run(
        [*AOCR, "serve", *arguments], env=os.environ | environment, capture_output=True, text=True, timeout=120
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


@pytest.mark.slow
def test_flags_of_tf_serving_and_a_graceful_stop(exports, start, port):
    process, line = start(
        "--port=9000",
        f"--rest_api_port={port}",
        "--model_name=words",
        f"--model_base_path={exports}",
        "--enable_batching",
        "--file_system_poll_wait_seconds=5",
    )
    url = f"http://127.0.0.1:{port}/v1/models/words"
    assert line == f"Serving version 3 at {url}\n"
    assert ask(url, [tiny_export.png(40)]) == [("40x20", 1.0)]
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "--port is ignored: only the REST API is served, see --rest-api-port" in errors
    assert "--enable_batching is ignored: requests are batched anyway, see --max-batch" in errors
    assert "--file_system_poll_wait_seconds is ignored: new versions are looked for every second, in a bucket" in errors
    assert "Traceback" not in errors


@pytest.mark.slow
def test_container_of_vertex_ai(exports, start, port):
    route = "/v1/endpoints/7/deployedModels/8"
    process, _ = start(
        AIP_HTTP_PORT=str(port),
        AIP_HEALTH_ROUTE=route,
        AIP_PREDICT_ROUTE=f"{route}:predict",
        AIP_STORAGE_URI=str(exports),
    )
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{route}", timeout=60) as response:
        assert response.status == 200
    assert ask(f"http://127.0.0.1:{port}{route}", [tiny_export.png(40)]) == [("40x20", 1.0)]
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 0


@pytest.mark.slow
def test_model_in_a_bucket_and_a_version_that_comes(exports, start, port, bucket, place, tmp_path, eventually):
    for file in (path for path in exports.rglob("*") if path.is_file()):
        storage.write_bytes(f"{bucket}/words/{file.relative_to(exports)}", file.read_bytes())
    _, line = start(AIP_HTTP_PORT=str(port), AIP_STORAGE_URI=f"{bucket}/words")
    assert line == f"Serving version 3 at http://0.0.0.0:{port}/v1/models/aocr\n"
    url = f"http://127.0.0.1:{port}/v1/models/aocr"
    assert ask(url, [tiny_export.png(40)]) == [("40x20", 1.0)]
    texts = []
    with Client(url) as client:

        def taken_over() -> bool:  # no request in between is lost, or it raises
            texts.append(client.read_plain([tiny_export.png(40)])[0].text)
            return texts[-1] == "new 40x20"

        assert not taken_over()
        for file in (path for path in place(tmp_path / "4", "new ").rglob("*") if path.is_file()):
            storage.write_bytes(f"{bucket}/words/4/{file.relative_to(tmp_path / '4')}", file.read_bytes())
        eventually(taken_over)
    assert set(texts) == {"40x20", "new 40x20"}


@pytest.mark.slow
def test_sigterm_leaves_those_who_route_requests_time_and_a_second_one_does_not(exports, start, eventually):
    process, line = start(str(exports), "--rest-api-port", "0", "--shutdown-delay", "3600")
    url = line.split()[-1]

    def ready() -> bool:
        try:
            urllib.request.urlopen(url.replace("/v1/models/aocr", "/v2/health/ready"), timeout=60).close()
        except urllib.error.HTTPError as error:
            assert error.code == 503
            return False
        return True

    assert ready()
    process.send_signal(signal.SIGTERM)
    eventually(lambda: not ready())
    assert ask(url, [tiny_export.png(40)]) == [("40x20", 1.0)]
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 0


@pytest.mark.slow
def test_several_threads_and_a_token(exports, start):
    token = "a-token-of-this-test"
    _, line = start(str(exports), "--rest-api-port", "0", "--model-threads", "2", AOCR_TOKEN=token)
    url = line.split()[-1]
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(url, timeout=60)
    asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(asked, timeout=60) as response:
        assert response.status == 200


@pytest.mark.slow
def test_stops_after_idle(exports, start):
    process, line = start(str(exports), "--rest-api-port", "0", "--stop-after-idle", "0.5")
    assert line.startswith("Serving version 3 at http://127.0.0.1:")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "No request for 0.5 seconds: stopping" in errors


@pytest.mark.slow
def test_mistakes_are_answered_in_one_line(exports, tmp_path):
    assert fails() == (2, "aocr: which model? Name the folder of the export: aocr serve DIR\n")
    code, message = fails(str(tmp_path / "nowhere"))
    assert code == 2
    assert message.splitlines()[-1].startswith(f"aocr: no such folder: {tmp_path / 'nowhere'}; write an export with")
    code, message = fails("--rest_api_port=0", str(tmp_path))
    assert code == 2
    assert message.splitlines()[-1].startswith(f"aocr: no exported model in {tmp_path}")
    assert fails(str(exports), "--token-file", str(tmp_path / "none")) == (
        2,
        f"aocr: cannot read the token from {tmp_path / 'none'}: No such file or directory\n",
    )
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, message = fails(str(exports), f"--rest_api_port={port}")
    assert code == 1
    assert (
        message.splitlines()[-1] == f"aocr: port {port} is in use; choose another with --rest-api-port (0: a free one)"
    )


def test_one_folder_only(tmp_path):
    code, message = fails(str(tmp_path), "--model_base_path=elsewhere")
    assert (code, message) == (2, f"aocr: two folders given: {tmp_path} and --model-base-path elsewhere\n")
    code, message = fails(str(tmp_path), "--rest_api_port=70000")
    assert code == 2
    assert message.startswith("aocr: --rest-api-port: input should be less than or equal to 65535")
