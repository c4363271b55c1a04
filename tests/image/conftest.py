"""A Docker engine and the image that `make image-test` has built; without them these tests are skipped."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest


@pytest.fixture(scope="session")
def image() -> str:
    """Name of the image under test."""
    name = os.environ.get("AOCR_TEST_IMAGE")
    if not name:
        pytest.skip("needs the container image and a Docker engine: `make image-test` builds it and runs this")
    return name


@pytest.fixture(scope="session")
def engine(image: str) -> Iterator[Any]:
    """The Docker engine. Who has named an image wants it tested: no engine is a failure then."""
    import docker

    client = docker.from_env()
    client.ping()
    yield client
    client.close()


@pytest.fixture
def start(engine: Any, image: str) -> Iterator[Callable[..., Any]]:
    """`start("aocr", "serve", …)`: a container in the background, by default without a network; gone afterwards."""
    started = []

    def run(*command: str, **options: Any) -> Any:
        options = {"network_mode": "none"} | options
        started.append(engine.containers.create(image, list(command) or None, **options))
        started[-1].start()
        return started[-1]

    yield run
    for container in started:
        container.remove(force=True)


@pytest.fixture
def output(start: Callable[..., Any]) -> Callable[..., str]:
    """`output("id", "-u")`: what a command prints in a container; `expect` is the exit code that it has to have."""

    def run(*command: str, expect: int = 0, **options: Any) -> str:
        container = start(*command, **options)
        code = container.wait()["StatusCode"]
        text = container.logs().decode()
        assert code == expect, text
        return text

    return run
