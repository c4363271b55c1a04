"""`aocr serve` under requests that nobody should send.

    python -m benchmarks.serving_fuzz EXPORT [--requests 20000]

Up to half of the requests are made by schemathesis from the server's own OpenAPI description (right ones and wrong
ones; the answers are held against the description too), the others by hypothesis: damaged images, images put together
anew from their parts, odd JSON, any bytes, and bytes that are no HTTP. Every answer must be right or the client's
fault, none the server's: the server's own counters are looked at in the end, also for the answers that nobody read. A
503 only means overload, and is shown apart. The server must live on, read an image as before, and not grow. Exits with
1 if not.
"""

import argparse
import base64
import contextlib
import http.client
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from benchmarks import fuzz_images
from benchmarks.beside import command
from benchmarks.fuzz_images import GOOD
from benchmarks.load import metrics, serving

INTENDED = {200, 400, 401, 404, 405, 408, 413, 503}
OVERLOAD = "503"
MOST_GROWTH = 50.0
IDLE = 10.0
"""Seconds after which a connection is not used again: sooner than the server hangs up."""
MB = 2**20
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
SCHEMATHESIS = """
[parameters]
"path.name" = "{name}"
"path.version" = {version}
"""


image = fuzz_images.anything.map(lambda data: {"b64": base64.b64encode(data).decode()})
odd: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        -1,
        10**400,
        float("nan"),
        float("inf"),
        1e308,
        "",
        "\ud800",
        "\0",
        {},
        [],
        {"b64": None},
        {"b64": "é"},
    ]
)
value = st.recursive(
    odd | image | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["b64", "input", "name", "shape", "data", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = ["instances", "inputs", "signature_name", "parameters", "id", "outputs"]
document = st.dictionaries(st.sampled_from(NAMES), value, max_size=4) | st.lists(image, max_size=3).map(
    lambda images: {"instances": images, "signature_name": "details"}
)
tensor = st.fixed_dictionaries(
    {"name": st.just("input"), "datatype": st.just("BYTES"), "shape": st.lists(st.integers(-1, 3), max_size=3)},
    optional={"data": st.lists(image.map(lambda one: one["b64"]), max_size=3) | value},
).map(lambda one: {"inputs": [one]})
TRICKS = [
    b'{"instances": [], "instances": []}',
    b"[" * 100_000,
    b'{"a":' * 5_000,
    b'{"inputs": ' + b"9" * 10_000 + b"}",
    '{"inputs": {"b64": "aGk="}}'.encode("utf-16"),
    b"\xff\xfe\xfa",
    b"\xef\xbb\xbf{}",
    b"",
]
body = st.one_of(
    document.map(lambda one: json.dumps(one).encode()),
    tensor.map(lambda one: json.dumps(one).encode()),
    image.map(lambda one: json.dumps({"instances": [one]}).encode()),
    st.sampled_from(TRICKS),
    st.binary(max_size=200),
)
PIECES = [
    b"POST /v1/models/aocr:predict HTTP/1.1\r\n",
    b"GET /metrics HTTP/1.1\r\n",
    b"Host: x\r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length: -1\r\n",
    b"Content-Length: 99999999999999999999\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Expect: 100-continue\r\n",
    b"X: " + b"y" * 20_000,
    b"\r\n",
    b"ffffffffffffffff\r\n",
    b"0\r\n\r\n",
    b"{}",
    b"\0",
]
raw = st.binary(max_size=100) | st.lists(st.sampled_from(PIECES), max_size=8).map(b"".join)


class Target:
    """A server, and what it has answered."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.address = (parts.hostname or "", parts.port or 80)
        self.name = parts.path.rpartition("/")[2]
        self.paths = [f"/v1/models/{self.name}:predict", f"/v2/models/{self.name}/infer"]
        self.statuses: dict[int, int] = {}
        self._connection = http.client.HTTPConnection(*self.address, timeout=60)
        self._used = time.monotonic()

    def post(self, path: str, content: bytes) -> tuple[int, bytes]:
        """Status and body of the answer; the connection is kept, so an answer of its own was complete."""
        if time.monotonic() - self._used > IDLE:
            self._connection.close()
        self._connection.request("POST", path, content)
        response = self._connection.getresponse()
        answer = response.read()
        self._used = time.monotonic()
        self.statuses[response.status] = self.statuses.get(response.status, 0) + 1
        return response.status, answer

    def send(self, content: bytes) -> None:
        """Bytes on a connection of their own, of which the server may think what it likes."""
        with socket.create_connection(self.address, timeout=60) as connection:
            connection.sendall(content)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass


def by_hypothesis(target: Target, count: int) -> None:
    """So many requests; raises with the smallest that was answered wrongly."""
    unhurried = settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )

    @seed(1)
    @unhurried
    @given(st.sampled_from(target.paths), body)
    def bodies(path: str, content: bytes) -> None:
        status, answer = target.post(path, content)
        assert status in INTENDED, (status, answer)
        assert status == 200 or isinstance(json.loads(answer)["error"], str)

    @seed(1)
    @settings(unhurried, max_examples=max(1, count // 10))
    @given(raw)
    def connections(content: bytes) -> None:
        with contextlib.suppress(ConnectionError):  # it may hang up at any time
            target.send(content)

    bodies()
    connections()


def by_schemathesis(url: str, name: str, examples: int) -> int:
    """Requests made from the description, so many for each operation; the command's exit code."""
    root = url.partition("/v1/")[0]
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "schemathesis.toml"
        config.write_text(SCHEMATHESIS.format(name=name, version=1))
        words = ["--config-file", str(config), "run"]
        words += [f"{root}/openapi.json", "--checks", CHECKS, "--max-examples", str(examples), "--phases"]
        words += ["examples,coverage,fuzzing", "--mode", "all", "--seed", "1", "--no-color", "--continue-on-failure"]
        return subprocess.run(command("schemathesis", *words), cwd=folder, check=False).returncode


def by_status(url: str) -> dict[str, int]:
    """How many requests of each status the server has counted."""
    found: dict[str, int] = {}
    with urllib.request.urlopen(f"{url.partition('/v1/')[0]}/metrics", timeout=60) as response:
        for family in text_string_to_metric_families(response.read().decode()):
            for sample in family.samples:
                if sample.name == "aocr_requests_total":
                    status = sample.labels["status"]
                    found[status] = found.get(status, 0) + int(sample.value)
    return found


def failures(statuses: Mapping[str, int]) -> dict[str, int]:
    """The answers that are the server's fault."""
    return {status: count for status, count in statuses.items() if status >= "500" and status != OVERLOAD}


def listed(statuses: Mapping[Any, int]) -> str:
    return ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items())) or "none"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("export", type=Path)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--most-growth", type=float, default=MOST_GROWTH, help="of the server's memory, in MB")
    given_ = parser.parse_args()
    good = json.dumps({"instances": [{"b64": base64.b64encode(GOOD).decode()}]}).encode()
    with serving(given_.export) as url:
        target = Target(url)
        before = target.post(target.paths[0], good)
        by_hypothesis(target, max(50, given_.requests // 40))  # until TensorFlow has met most shapes
        first = metrics(url)
        failed = by_schemathesis(url, target.name, max(1, given_.requests // 40))
        middle = metrics(url)
        made_so_far = int(middle["aocr_requests_total"])
        by_hypothesis(target, max(given_.requests // 2, given_.requests - made_so_far))
        last = metrics(url)
        after = target.post(target.paths[0], good)
        counted = by_status(url)
    growth = (last["process_resident_memory_bytes"] - first["process_resident_memory_bytes"]) / MB
    made = middle["aocr_requests_total"] - first["aocr_requests_total"], last["aocr_requests_total"]
    print(f"{made[1]:.0f} requests, {made[0]:.0f} of them by schemathesis (exit code {failed})")
    print("Answers to hypothesis:", listed(target.statuses))
    print("Answers by the server's count:", listed(counted))
    print(f"Overload: {counted.get(OVERLOAD, 0)} x {OVERLOAD}; the server's failures: {listed(failures(counted))}")
    print(f"Memory: {growth:+.0f} MB; the same image before and after: {before == after}")
    if failed or failures(counted) or before != after or before[0] != 200 or growth > given_.most_growth:
        sys.exit(1)


if __name__ == "__main__":
    main()
