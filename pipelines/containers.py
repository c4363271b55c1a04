"""Steps in containers of a Docker engine, by KFP's DockerRunner, with two things mended.

KFP shows a container nothing of this machine but the pipeline's own folder, and takes one that is gone before it was
asked how it ended for a success (https://github.com/kubeflow/pipelines/issues/13332).
"""

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aocr_core.errors import AocrError

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

SCRATCH = "/var/tmp"
"""For temporary files, and home of a user whom the image does not know. Not /tmp, where images to mount may lie."""
GRACE_SECONDS = 20
"""Time for an interrupted step to put its things away."""


def image_id(name: str) -> str:
    """`sha256:…` of the image that the engine has under a name.

    Raises:
        AocrError: it has none, or there is no engine.
    """
    with _engine() as client:
        from docker.errors import ImageNotFound

        try:
            return str(client.images.get(name).id)
        except ImageNotFound as error:
            raise AocrError(
                f"the Docker engine has no image {name}: build it (make image) or docker pull it"
            ) from error


@contextmanager
def runner(writable: str, readable: Sequence[str], environment: Mapping[str, str]) -> Iterator[Any]:
    """What `pipelines.local.run` runs the steps with, while the block lasts.

    Paths mean the same in the containers as here, the working directory too.

    Args:
        writable: folder that the steps may change; KFP's own folder lies in it.
        readable: files and folders that they may read besides.
        environment: variables for all steps.

    Raises:
        AocrError: there is no engine; in the block also: it refuses to run a step.
    """
    with _engine() as client:
        rootless = "name=rootless" in client.info().get("SecurityOptions", [])
    from kfp import local
    from kfp.local import docker_task_handler

    mounts = {path: {"bind": path, "mode": "ro"} for path in readable} | {writable: {"bind": writable, "mode": "rw"}}

    def run(client: "DockerClient", image: str, command: list[str], volumes: Any, **options: Any) -> int:
        # Without KFP's volumes: what lies in the same folder could not be moved from one into another.
        return run_container(client, image, command, volumes=mounts, **options)

    kfps = docker_task_handler.run_docker_container
    docker_task_handler.run_docker_container = run
    try:
        yield local.DockerRunner(
            # What the steps write belongs to whoever runs them. The root of a rootless engine is its user.
            user="0:0" if rootless else f"{os.getuid()}:{os.getgid()}",
            environment={"HOME": SCRATCH, "TMPDIR": SCRATCH} | dict(environment),
            network_mode="host",
            working_dir=str(Path.cwd()),
            # The user's images keep their SELinux labels.
            security_opt=["label=disable"],
            entrypoint="",
        )
    finally:
        docker_task_handler.run_docker_container = kfps


def run_container(client: "DockerClient", image: str, command: list[str], **options: Any) -> int:
    """Run a command in a new container, print what it prints, and leave nothing of the container.

    Returns:
        The exit code, of which the engine was asked while the container was still there.

    Raises:
        AocrError: the engine does not start it.
    """
    from docker.errors import APIError

    container = None
    try:
        container = client.containers.create(image, command, **options)
        # Not its log, which may end before the container's last words.
        output = container.attach(stream=True, demux=True)
        container.start()
        _print(output)
        return int(container.wait()["StatusCode"])
    except KeyboardInterrupt:
        if container:
            _interrupt(container)
        raise
    except APIError as error:
        raise AocrError(f"the Docker engine does not run a step: {error.explanation or error}") from error
    finally:
        if container:
            container.remove(force=True)


def _print(output: Iterable[Sequence[bytes | None]]) -> None:
    """Print standard output and error, of which each item brings a piece, line by line: KFP indents every print."""
    begun = [b"", b""]
    for pieces in output:
        for stream, piece in enumerate(pieces):
            *lines, begun[stream] = (begun[stream] + (piece or b"")).split(b"\n")
            for line in lines:
                print(line.decode(errors="replace"))
    for line in filter(None, begun):
        print(line.decode(errors="replace"))


def _interrupt(container: "Container") -> None:
    """Ctrl-C, as a terminal sends it to all processes, so that a training keeps what it has."""
    from docker.errors import APIError
    from requests.exceptions import RequestException

    with contextlib.suppress(APIError, RequestException):  # it has ended by itself, or takes too long
        container.exec_run(["sh", "-c", "kill -INT -1; kill -INT 1"])  # -1 leaves the first process out
        container.wait(timeout=GRACE_SECONDS)


@contextmanager
def _engine() -> Iterator["DockerClient"]:
    try:
        import docker
    except ModuleNotFoundError as error:
        raise AocrError("containers need one more package; run: pip install 'aocr-pipeline[docker]'") from error
    try:
        client = docker.from_env()
        client.ping()
    except docker.errors.DockerException as error:
        place = os.environ.get("DOCKER_HOST", "the usual socket")
        raise AocrError(f"no Docker engine answers at {place}: start one, or name it in DOCKER_HOST") from error
    try:
        yield client
    finally:
        client.close()
