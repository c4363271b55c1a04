"""Docker's health check of the image: `python -m aocr_core.cli.health`.

It asks the server that is the container's main process, where its own options say. A container that does something
else, such as a training, is well as long as it runs.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from aocr_core.cli import main, serve
from aocr_core.config import ServeOptions
from aocr_core.serving import loopback, vertex

MAIN_PROCESS = Path("/proc/1/cmdline")
TIMEOUT = 5.0
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Addresses to listen on that nobody can ask, and one that is among them."""


def address(words: Sequence[str], environment: Mapping[str, str]) -> str | None:
    """Where a server started as `words` tells that it is ready; None if they start none."""
    names = [Path(word).name for word in words]
    start = next((number for number, name in enumerate(names) if name in ("aocr", "aocr_core")), len(words))
    group = click.Context(main.command)
    _, rest, _ = main.command.make_parser(group).parse_args(list(words[start + 1 :]))
    if rest[:1] != ["serve"]:
        return None
    given = serve.command.make_context("aocr serve", rest[1:], parent=group, resilient_parsing=True).params
    contract = vertex.from_environment(environment)
    defaults = ServeOptions()
    host = given["host"] or (contract.host if contract else defaults.host)
    port = given["rest_api_port"]
    if port is None:
        port = contract.port if contract else defaults.rest_api_port
    host = ANYWHERE.get(host, host)
    route = contract.health_route if contract else "/v2/health/ready"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{route}"


def check() -> None:
    """Ask; ends the process with 1 and the reason if the server does not answer as it should."""
    words = MAIN_PROCESS.read_bytes().decode(errors="replace").rstrip("\0").split("\0")
    url = address(words, os.environ)
    if url is None:
        return
    try:
        loopback.opened(url, TIMEOUT).close()
    except OSError as error:  # an HTTPError is one
        sys.exit(f"{url}: {error}")


if __name__ == "__main__":
    check()
