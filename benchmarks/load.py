"""Puts load on a server over HTTP from this process, and starts that server in another. Standard library only."""

import base64
import http.client
import json
import math
import os
import random
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

ENDINGS = (".png", ".jpg", ".jpeg")


def bodies(folder: Path, most: int = 500) -> list[bytes]:
    """Requests for the images of a folder (and of those in it), one each, in random order."""
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)
    random.Random(1).shuffle(files)
    if not files:
        sys.exit(f"no images in {folder}")
    encoded = (base64.b64encode(file.read_bytes()).decode() for file in files[:most])
    return [json.dumps({"instances": [{"b64": text}]}).encode() for text in encoded]


@contextmanager
def serving(base: Path, *options: str) -> Iterator[str]:
    """The address of the model that `aocr serve` answers for meanwhile."""
    command = [sys.executable, "-m", "aocr_core", "serve", str(base), "--rest-api-port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        line = process.stdout.readline()
        if not line:
            sys.exit(f"the server does not come up: {' '.join(command)}")
        yield line.split()[-1]
    finally:
        process.terminate()
        process.wait(60)


def metrics(url: str) -> dict[str, float]:
    """What the server counts: sums of the samples of each name, whatever their labels."""
    parts = urlsplit(url)
    with urllib.request.urlopen(f"{parts.scheme}://{parts.netloc}/metrics", timeout=60) as response:
        lines = [line for line in response.read().decode().splitlines() if line and line[0] != "#"]
    sums: dict[str, float] = {}
    for line in lines:
        name, _, value = line.rpartition(" ")
        name = name.partition("{")[0]
        sums[name] = sums.get(name, 0.0) + float(value)
    return sums


@dataclass
class Result:
    """What came of a load. Its threads tell it."""

    seconds: float = 0.0
    """From the first request to the last answer."""
    latencies: list[float] = field(default_factory=list)
    """Seconds of the requests that were answered with 200; of arrivals, from when they were due."""
    refused: int = 0
    """Answers 503."""
    failures: list[str] = field(default_factory=list)
    """All others, connections that broke and wrong answers included."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def refuse(self) -> None:
        """Count an answer 503."""
        with self._lock:  # threads that add to a number at once lose some
            self.refused += 1

    @property
    def unanswered(self) -> int:
        """Requests that were refused, or failed."""
        return self.refused + len(self.failures)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """A quantile of the latencies, in milliseconds; who is not answered waits for ever."""
        ordered = [*sorted(self.latencies), *[math.inf] * self.unanswered]
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else math.nan


Judge = Callable[[bytes], str]
"""The body of an answer -> what is wrong with it, "" if nothing is."""


def _content_with(_: bytes) -> str:
    return ""


def closed(
    url: str,
    requests: list[bytes],
    connections: int,
    proceed: Callable[[], bool],
    judge: Callable[[int], Judge] = lambda _: _content_with,
) -> Result:
    """So many connections, each of which asks again as soon as it is answered, while `proceed()`.

    `judge(index)` is asked before a request goes out, for what then looks at its answer.
    """
    result = Result()

    def client(number: int) -> None:
        with _connection(url) as ask:
            turn = number
            while proceed():
                index = turn % len(requests)
                ask(requests[index], time.perf_counter(), result, judge(index))
                turn += connections

    _in_threads(client, connections, result)
    return result


def arrivals(url: str, requests: list[bytes], rate: float, seconds: float, connections: int = 64) -> Result:
    """Requests that come at random, `rate` a second on average, whether or not earlier ones have been answered."""
    chance = random.Random(2)
    due, moment = [], 0.0
    while (moment := moment + chance.expovariate(rate)) < seconds:
        due.append(moment)
    result, turns, began = Result(), iter(range(len(due))), time.perf_counter() + 0.2
    lock = threading.Lock()

    def client(_: int) -> None:
        with _connection(url) as ask:
            while True:
                with lock:
                    turn = next(turns, None)
                if turn is None:
                    return
                time.sleep(max(0.0, began + due[turn] - time.perf_counter()))
                ask(requests[turn % len(requests)], began + due[turn], result, _content_with)

    _in_threads(client, connections, result)
    return result


Ask = Callable[[bytes, float, Result, Judge], None]


@contextmanager
def _connection(url: str) -> Iterator[Ask]:
    """Asks over one connection, and opens another when it breaks."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)

    def ask(body: bytes, since: float, result: Result, judge: Judge) -> None:
        try:
            connection.request("POST", f"{parts.path}:predict", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            result.failures.append(f"{type(error).__name__}: {error}")
            connection.close()
            return
        seconds = time.perf_counter() - since
        if response.status == 503:
            result.refuse()
        elif response.status != 200:
            result.failures.append(f"{response.status} {answer[:200]!r}")
        elif wrong := judge(answer):
            result.failures.append(wrong)
        else:
            result.latencies.append(seconds)

    try:
        yield ask
    finally:
        connection.close()


def _in_threads(client: Callable[[int], None], count: int, result: Result) -> None:
    threads = [threading.Thread(target=client, args=(number,)) for number in range(count)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    result.seconds = time.perf_counter() - began


def lasting(seconds: float) -> Callable[[], bool]:
    """True for so many seconds from now."""
    end = time.perf_counter() + seconds
    return lambda: time.perf_counter() < end


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0))
