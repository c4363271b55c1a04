"""`aocr serve` under load, over real connections on this machine.

    python -m benchmarks.serving_load EXPORT IMAGES [--seconds 20] [--options "--model-threads 2"]
    python -m benchmarks.serving_load EXPORT IMAGES --soak 10
    python -m benchmarks.serving_load EXPORT IMAGES --switches 20

EXPORT is what `aocr export` wrote (`EXPORT/<version>/`), IMAGES a folder of images like those the model was trained on.
The load comes from this process, one image a request, over connections that are kept; the server is another. Both share
the processors, which a server in service would have to itself.

Without further options: throughput at 16 connections with and without batching (`--max-batch 1`); then, with it, the
latency at 70 % of that throughput, requests coming at random, against that of a single client. `--soak`: 16
connections for so many minutes, and how the server's memory grows. `--switches`: a new version appears so many times
under load, each with a charset in another order, and every answer has to be of a version that served meanwhile.

Exits with 1 if batches give less than 2.5 times the throughput, if the p99 is more than 5 times the single client's
median (whoever is not answered waits for ever), if the memory of a soak grows by more than 50 MB, and if in a soak or
during switches a single request is refused or fails.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from aocr_core import exports
from benchmarks.load import Judge, Result, arrivals, bodies, closed, cores, lasting, metrics, serving
from benchmarks.marked import Marked

CONNECTIONS = 16
LOAD = 0.7
LONGEST_SWITCH = 120
"""Seconds until a new version answers, or something is wrong."""
MB = 2**20

LEAST_RATIO = 2.5
"""Of the throughput with batches to that without."""
LONGEST_WAIT = 5.0
"""p99 at `LOAD`, in medians of a single client."""
MOST_GROWTH = 50.0
"""MB of the server's memory in a soak."""


def measured(url: str, requests: list[bytes], connections: int, seconds: float) -> tuple[Result, dict[str, float]]:
    """A closed load, after a short one to warm up, and what the server counted during it."""
    closed(url, requests, connections, lasting(min(3.0, seconds)))
    before = metrics(url)
    result = closed(url, requests, connections, lasting(seconds))
    after = metrics(url)
    return result, {name: value - before.get(name, 0.0) for name, value in after.items()}


def row(name: str, result: Result, counted: dict[str, float]) -> str:
    """One line of the table."""
    batches = counted["aocr_batch_images_count"] or 1
    images = counted["aocr_batch_images_sum"] or 1
    cells = [
        name,
        f"{result.rate:.0f}",
        f"{result.percentile(0.5):.0f}",
        f"{result.percentile(0.99):.0f}",
        f"{images / batches:.1f}",
        f"{1000 * counted['process_cpu_seconds_total'] / images:.1f}",
        f"{100 * counted['aocr_batch_seconds_sum'] / result.seconds:.0f} %",
        str(result.unanswered),
    ]
    return f"| {' | '.join(cells)} |"


def throughput(base: Path, requests: list[bytes], seconds: float, options: list[str]) -> list[str]:
    """Print the table; what is too slow."""
    columns = ["requests", "answers/s", "median, ms", "p99, ms", "images a batch", "CPU ms an image", "model at work"]
    print(f"| {' | '.join([*columns, 'not answered'])} |\n|{'---|' * 8}", flush=True)
    with serving(base, *options, "--max-batch", "1") as url:
        one, counted = measured(url, requests, CONNECTIONS, seconds)
        print(row(f"{CONNECTIONS} connections, one image at a time", one, counted), flush=True)
    with serving(base, *options) as url:
        many, counted = measured(url, requests, CONNECTIONS, seconds)
        print(row(f"{CONNECTIONS} connections, in batches", many, counted), flush=True)
        single, counted = measured(url, requests, 1, seconds / 2)
        print(row("a single client", single, counted), flush=True)
        before = metrics(url)
        open_, rate = arrivals(url, requests, LOAD * many.rate, seconds), LOAD * many.rate
        counted = {name: value - before.get(name, 0.0) for name, value in metrics(url).items()}
        print(row(f"{rate:.0f} a second at random ({LOAD:.0%})", open_, counted), flush=True)
    print(f"\nOn {cores()} cores. In batches {many.rate / one.rate:.2f} times as many answers as one at a time.")
    print(
        f"p99 at {LOAD:.0%} of the throughput: {open_.percentile(0.99) / single.percentile(0.5):.1f} times a single "
        "client's median."
    )
    return too_slow(one, many, single, open_)


def too_slow(one: Result, many: Result, single: Result, open_: Result) -> list[str]:
    """What is worse than it may be; comparisons that are false of `nan`."""
    trouble = []
    if not many.rate >= LEAST_RATIO * one.rate:
        trouble.append(f"batches give less than {LEAST_RATIO} times the throughput")
    if not open_.percentile(0.99) <= LONGEST_WAIT * single.percentile(0.5):
        trouble.append(f"the p99 is more than {LONGEST_WAIT:g} times the median of a single client")
    return trouble


def unanswered(result: Result) -> list[str]:
    """Print what came of a load that has to be answered to the last request; what was not."""
    print(f"{len(result.latencies)} answers, {result.refused} refused, {len(result.failures)} failed")
    if not result.latencies:
        return ["no request was answered"]
    first = f", the first with: {result.failures[0]}" if result.failures else ""
    return [f"{result.unanswered} requests were refused or failed{first}"] if result.unanswered else []


def soak(base: Path, requests: list[bytes], minutes: float, options: list[str]) -> list[str]:
    """Print how the memory grows; what went wrong."""
    with serving(base, *options) as url, ThreadPoolExecutor(1) as pool:
        closed(url, requests, CONNECTIONS, lasting(min(10.0, 6 * minutes)))
        first = metrics(url)["process_resident_memory_bytes"]
        load = pool.submit(closed, url, requests, CONNECTIONS, lasting(60 * minutes))
        while not load.done():
            time.sleep(min(30.0, 6 * minutes))
            now = metrics(url)
            print(
                f"{now['process_resident_memory_bytes'] / MB:.0f} MB, {now['aocr_requests_total']:.0f} answers",
                flush=True,
            )
        last, result = metrics(url)["process_resident_memory_bytes"], load.result()
    print(
        f"\nMemory: {first / MB:.0f} MB after the warm-up, {last / MB:.0f} MB at the end: {(last - first) / MB:+.0f} MB"
    )
    return unanswered(result) + grown(first, last)


def grown(first: float, last: float) -> list[str]:
    """Whether memory, in bytes, has grown too much."""
    return [f"the memory grew by more than {MOST_GROWTH:g} MB"] if last - first > MOST_GROWTH * MB else []


class Switching:
    """Which version answers under a load, and what each image reads as in each.

    Args:
        marked: writes the versions.
        texts: of the images, in version 1.
    """

    def __init__(self, marked: Marked, texts: list[str]) -> None:
        self._marked, self._texts = marked, texts
        self.serving = self.coming = 1
        """Versions: that surely answers, and that may answer."""

    def judge(self, index: int) -> Judge:
        """Looks at the answer to a request that goes out now."""
        since = self.serving

        def look(answer: bytes) -> str:
            text = json.loads(answer)["predictions"][0]["output"]
            wanted = [self._marked.text(self._texts[index], version - 1) for version in range(since, self.coming + 1)]
            return "" if text in wanted else f"{text!r} where versions {since} to {self.coming} read {wanted}"

        return look


def switches(base: Path, requests: list[bytes], count: int, options: list[str]) -> list[str]:
    """Print what came of the load, and the memory after each switch; what went wrong."""
    newest = exports.newest(str(base))
    if newest is None:
        sys.exit(f"no export in {base}")
    marked = Marked(Path(newest[1]))
    with tempfile.TemporaryDirectory() as name:
        served = Path(name) / "aocr"
        served.mkdir()
        marked.write(1, served / "1")
        with serving(served, *options) as url, ThreadPoolExecutor(1) as pool:
            switching = Switching(marked, [reading(url, request) for request in requests])
            at_work = True
            load = pool.submit(closed, url, requests, CONNECTIONS, lambda: at_work, switching.judge)
            memory = [metrics(url)["process_resident_memory_bytes"]]
            try:
                for version in range(2, count + 2):
                    switching.coming = version
                    marked.write(version, served / str(version))
                    _wait_for(url, version)
                    switching.serving = version
                    shutil.rmtree(served / str(version - 1))
                    memory.append(metrics(url)["process_resident_memory_bytes"])
            finally:
                at_work = False
            result = load.result()
    print("Memory, MB:", *(f"{value / MB:.0f}" for value in memory))
    print(f"{count} new versions: ", end="")
    return unanswered(result)


def reading(url: str, request: bytes) -> str:
    """The text that the server reads in the image of a request."""
    asked = urllib.request.Request(f"{url}:predict", request, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=60) as response:
        return str(json.loads(response.read())["predictions"][0]["output"])


def _wait_for(url: str, version: int) -> None:
    deadline = time.monotonic() + LONGEST_SWITCH
    while _version(url) != version:
        if time.monotonic() > deadline:
            sys.exit(f"version {version} has not taken over within {LONGEST_SWITCH} seconds")
        time.sleep(0.1)


def _version(url: str) -> int:
    with urllib.request.urlopen(url.replace("/v1/", "/v2/"), timeout=60) as response:
        return int(response.read().split(b'"versions": ["')[1].split(b'"')[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("export", type=Path)
    parser.add_argument("images", type=Path)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each measurement")
    parser.add_argument("--soak", type=float, metavar="MINUTES")
    parser.add_argument("--switches", type=int, metavar="COUNT")
    parser.add_argument("--options", default="", help="more options of `aocr serve`")
    given = parser.parse_args()
    requests, options = bodies(given.images), given.options.split()
    if given.soak:
        trouble = soak(given.export, requests, given.soak, options)
    elif given.switches:
        trouble = switches(given.export, requests, given.switches, options)
    else:
        trouble = throughput(given.export, requests, given.seconds, options)
    if trouble:
        sys.exit("\n".join(trouble))


if __name__ == "__main__":
    main()
