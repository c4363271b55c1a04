"""The endpoint that a run leaves up: `aocr serve` in the background, on loopback, until nobody asks any more."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from aocr_core import storage
from aocr_core.config import TOKEN_VARIABLE, ServeOptions
from aocr_core.errors import AocrError
from aocr_core.serving import loopback

PORT = ServeOptions().rest_api_port
IDLE_SECONDS = 600
START_SECONDS = 120.0
STOP_SECONDS = 15.0
POLL_SECONDS = 0.2
SERVE = ["-m", "aocr_core", "serve"]
"""Arguments of Python that start the server."""


@dataclass(frozen=True)
class Endpoint:
    """A running server."""

    pid: int
    port: int
    model_name: str
    base_path: str
    code_version: str

    @property
    def url(self) -> str:
        """Address of the model; append `:predict` to ask."""
        return f"http://127.0.0.1:{self.port}/v1/models/{self.model_name}"


def _file(build_dir: Path) -> Path:
    return build_dir / "endpoint.json"


def running(build_dir: Path) -> Endpoint | None:
    """The endpoint that an earlier run left up, None if there is none or it has stopped since."""
    try:
        endpoint = Endpoint(**json.loads(_file(build_dir).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):  # none, or damaged, or what another version has written
        return None
    # A process number may be another program's by now, and the port another endpoint's: only both together are ours.
    ours = _alive(endpoint.pid) and _is_server(endpoint.pid)
    return endpoint if ours and _versions(endpoint) is not None else None


def start(build_dir: Path, version_dir: Path, code_version: str) -> Endpoint:
    """An endpoint that serves a deployed version: the running one if it takes it up, else a new one.

    Args:
        build_dir: keeps the endpoint's number and log.
        version_dir: `SERVING/NAME/<version>`.
        code_version: an endpoint of another version of the code is replaced.

    Raises:
        AocrError: the server does not come up; the message is what it said last.
    """
    base, name, version = str(version_dir.parent), version_dir.parent.name, version_dir.name
    old, log = running(build_dir), build_dir / "endpoint.log"
    if old and (old.base_path, old.code_version) == (base, code_version) and _comes_to_serve(old, version, log):
        return old
    stop(build_dir)
    endpoint = _started(build_dir, base, name, PORT if _is_free(PORT) else _free_port(), code_version)
    up = _comes_to_serve(endpoint, version, log)
    if not up and not _alive(endpoint.pid) and not _is_free(endpoint.port):  # another program was quicker to take it
        endpoint = _started(build_dir, base, name, _free_port(), code_version)
        up = _comes_to_serve(endpoint, version, log)
    if not up:
        if _alive(endpoint.pid):  # else its number may be another's by now
            with contextlib.suppress(ProcessLookupError):
                os.kill(endpoint.pid, signal.SIGKILL)
        _file(build_dir).unlink()
        last = (log.read_text(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
        raise AocrError(f"the endpoint does not come up: {last} (see {log})")
    return endpoint


def _started(build_dir: Path, base: str, name: str, port: int, code_version: str) -> Endpoint:
    command = [sys.executable, *SERVE, base, "--model-name", name]
    command += ["--rest-api-port", str(port), "--stop-after-idle", str(IDLE_SECONDS)]
    with (build_dir / "endpoint.log").open("w") as output:
        # A session of its own: neither Ctrl-C here nor the end of the terminal ends it.
        process = subprocess.Popen(
            command,
            # A token is for servers that others reach; the run itself has none to show.
            env={name: value for name, value in os.environ.items() if name != TOKEN_VARIABLE},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    endpoint = Endpoint(process.pid, port, name, base, code_version)
    storage.write_bytes(_file(build_dir), json.dumps(asdict(endpoint)).encode())
    return endpoint


def stop(build_dir: Path) -> Endpoint | None:
    """Stop the endpoint; None if there is none."""
    endpoint = running(build_dir)
    _file(build_dir).unlink(missing_ok=True)
    if endpoint is None:
        return None
    with contextlib.suppress(ProcessLookupError):
        os.kill(endpoint.pid, signal.SIGTERM)
    if not _wait(lambda: not _alive(endpoint.pid), lambda: True, STOP_SECONDS):
        raise AocrError(f"the endpoint does not stop: kill -9 {endpoint.pid}")
    return endpoint


def _comes_to_serve(endpoint: Endpoint, version: str, log: Path) -> bool:
    def serves() -> bool:
        # It says its address when it listens there: until then another server may be the one that answers.
        said = not log.exists() or f" at {endpoint.url}\n" in log.read_text(errors="replace")
        return said and version in (_versions(endpoint) or ())

    return _wait(serves, lambda: _alive(endpoint.pid), START_SECONDS)


def _wait(done: Callable[[], bool], hopeful: Callable[[], bool], seconds: float) -> bool:
    limit = time.monotonic() + seconds
    while hopeful():
        if done():
            return True
        if time.monotonic() > limit:
            return False
        time.sleep(POLL_SECONDS)
    return False


def _versions(endpoint: Endpoint) -> set[str] | None:
    """The versions that the server has available, None if it does not answer."""
    try:
        with loopback.opened(endpoint.url, timeout=5) as response:
            states = json.load(response)["model_version_status"]
    except (OSError, ValueError):  # HTTPError is an OSError
        return None
    return {state["version"] for state in states if state["state"] == "AVAILABLE"}


def _alive(pid: int) -> bool:
    """Whether a process runs; one that has ended but is still our child is collected."""
    with contextlib.suppress(ChildProcessError):
        if os.waitpid(pid, os.WNOHANG)[0]:
            return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):  # gone, or somebody else's by now
        return False
    return True


def _is_server(pid: int) -> bool:
    """Whether a process is `aocr serve`; taken for granted where the system does not tell (no /proc)."""
    if not Path("/proc/self").exists():
        return True
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        return arguments[1 : 1 + len(SERVE)] == SERVE
    except OSError:  # it has ended since
        return False


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
