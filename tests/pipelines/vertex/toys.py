"""Small pipelines whose steps take no time, compiled, and what is needed to submit them."""

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from kfp import compiler, dsl

from components.vertex.connection import Connection
from components.vertex.place import Place
from pipelines.vertex import jobs, report, request
from pipelines.vertex.options import JobOptions

KEY = "projects/p/locations/europe-west1/keyRings/r/cryptoKeys/k"
IMAGE = f"europe-docker.pkg.dev/p/aocr/aocr-python@sha256:{'0' * 64}"


@dsl.component(base_image="python", install_kfp_package=False)
def number(value: int, box: dsl.Output[dsl.Artifact], figures: dsl.Output[dsl.Metrics]) -> bool:
    from pathlib import Path

    if value < 0:
        raise ValueError("it is negative")
    Path(box.path).write_text(str(value))
    Path(figures.path).write_text("")
    figures.log_metric("value", value)
    return value > 0


@dsl.component(base_image="python", install_kfp_package=False)
def sleep(seconds: float):
    import time

    time.sleep(seconds)


@dsl.pipeline(name="toy-gate", display_name="Gate")
def gate(value: int = 1):
    first = number(value=value).set_display_name("1 Number")
    with dsl.If(first.outputs["Output"] == True):  # noqa: E712 (a channel, not a bool)
        sleep(seconds=0.0).set_display_name("2 Sleep").set_caching_options(False)


@dsl.pipeline(name="toy-sleep")
def long(seconds: float):
    sleep(seconds=seconds)


def compiled(pipeline: Any) -> dict[str, Any]:
    return yaml.safe_load(_text(pipeline))


@cache
def _text(pipeline: Any) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pipeline.yaml"
        compiler.Compiler().compile(pipeline, str(path))
        return path.read_text()


def connection(vertex: Any, **place: Any) -> Connection:
    return Connection(Place(project="p", location="europe-west1", api_endpoint=vertex.url, **place))


def options(**chosen: Any) -> JobOptions:
    return JobOptions(**{"pipeline_root": "gs://words/runs", "image": IMAGE} | chosen)


def wanted(here: Connection, pipeline: Any, parameters: dict[str, Any], job_id: str = "", **chosen: Any) -> Any:
    spec = compiled(pipeline)
    wish = request.Wish(options(**chosen), parameters)
    return request.create_job(here.parent, spec, wish, job_id or request.new_job_id(spec))


def submitted(here: Connection, pipeline: Any, parameters: dict[str, Any], **chosen: Any) -> Any:
    return jobs.submit(here, wanted(here, pipeline, parameters, **chosen))


def look(here: Connection, job: Any):
    return lambda: report.of(jobs.get(here, job.name))
