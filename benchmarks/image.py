"""What the container image weighs, how long it takes to build, and how soon it is at work.

    python -m benchmarks.image EXPORT [--network host] [--runs 5]

EXPORT is a folder of versions, such as build/serving/aocr. Builds a copy of the working tree three times: from nothing
but the base image (packages are downloaded), unchanged, and after a line was added to aocr_core. The times of a start
are medians; the first round does not count. Needs a Docker engine, of which the image aocr-python:benchmark is removed
at the end.
"""

import argparse
import shutil
import statistics
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
PARTS = (".dockerignore", "Dockerfile", "LICENSE", "README.md", "aocr_core", "components", "image", "pipelines")
TAG = "aocr-python:benchmark"
PORT = 9077
COMMANDS = ("true", "aocr --help", "aocr-pipeline --help", 'python -c "import tensorflow"')


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def builds(network: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as scratch:
        for part in (*PARTS, "pyproject.toml"):
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            copy(ROOT / part, Path(scratch, part))
        build = ("build", "--quiet", "--network", network, "--tag", TAG)
        found = {"from the base": seconds(lambda: docker(*build, "--no-cache", scratch))}
        found["again"] = seconds(lambda: docker(*build, scratch))
        with Path(scratch, "aocr_core", "charset.py").open("a", encoding="utf-8") as source:
            source.write("# A line.\n")
        found["after an edit"] = seconds(lambda: docker(*build, scratch))
        return found


def compressed() -> int:
    """Bytes of the image as one gzip stream, about what a registry keeps and sends."""
    script = f"docker save {TAG} | gzip -6 | wc -c"
    return int(subprocess.run(["sh", "-c", script], check=True, capture_output=True).stdout)


def own_layer() -> str:
    """Size of the layer that an edit changes: the last one that has any."""
    sizes = docker("history", "--format", "{{.Size}} {{.CreatedBy}}", TAG).splitlines()
    return next(line.split()[0] for line in sizes if "/own" in line)


def serves(export: Path) -> float:
    """From `docker run` until the server says that it is ready."""
    began = time.perf_counter()
    words = ["--rm", "--detach", "--network", "host", "--volume", f"{export.resolve()}:/models:ro"]
    container = docker("run", *words, TAG, "aocr", "serve", "/models", "--rest-api-port", str(PORT)).strip()
    try:
        while time.perf_counter() - began < 120:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{PORT}/v2/health/ready", timeout=1).close()
                return time.perf_counter() - began
            except OSError:  # not yet
                time.sleep(0.05)
        raise SystemExit(docker("logs", container))
    finally:
        docker("stop", container)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("export", type=Path)
    parser.add_argument("--network", default="default", help="Docker network that the build downloads by")
    parser.add_argument("--runs", type=int, default=5, help="starts of each command")
    options = parser.parse_args()
    print("| build | seconds |\n|---|---|")
    for name, took in builds(options.network).items():
        print(f"| {name} | {took:.1f} |", flush=True)
    try:
        size = int(docker("image", "inspect", "--format", "{{.Size}}", TAG))
        print(f"\n{size / 1e9:.2f} GB, compressed {compressed() / 1e9:.2f} GB, our own layer {own_layer()}\n")
        print("| start | median, s | slowest, s |\n|---|---|---|")
        starts = {
            command: lambda command=command: seconds(
                lambda: docker("run", "--rm", "--network", "none", TAG, "sh", "-c", command)
            )
            for command in COMMANDS
        } | {"`aocr serve`, until ready": lambda: serves(options.export)}
        for command, start in starts.items():
            times = [start() for _ in range(options.runs + 1)][1:]
            print(f"| {command} | {statistics.median(times):.2f} | {max(times):.2f} |", flush=True)
    finally:
        docker("image", "rm", TAG)


if __name__ == "__main__":
    main()
