"""The pipeline whose rows are checked in parts: valid, and the same data set."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from google.api_core.exceptions import Forbidden
from google.protobuf import json_format
from kfp import compiler, dsl
from kfp.pipeline_spec import pipeline_spec_pb2
from PIL import Image

from aocr_core import storage
from aocr_core.config import DataOptions, PrepareOptions
from aocr_core.data.split import build_training_and_test
from components import form, merge_rows
from components.check_rows import check_rows
from components.train import train
from pipelines import local, spec
from pipelines.compile import chosen, command
from pipelines.parameters import TRAINING
from pipelines.progress_view import ProgressView
from tests.components import toys
from tests.vertex import custom_jobs


def test_in_parts_it_is_a_valid_pipeline(tmp_path: Path):
    file = tmp_path / "pipeline.yaml"
    assert CliRunner().invoke(command, ["--data-parts", "3", "--output", str(file)]).exit_code == 0
    found = spec.load(file)
    assert found == chosen(3)
    json_format.ParseDict(found, pipeline_spec_pb2.PipelineSpec())
    whole = spec.load()
    steps = [(step.name, step.title, step.condition is None) for step in spec.steps(found)]
    assert steps[0] == ("check-rows", "1 Check rows", True)
    assert steps[1:] == [(step.name, step.title, step.condition is None) for step in spec.steps(whole)]
    assert spec.parameters(found) == spec.parameters(whole)
    assert set(spec.containers(found)) == {"check-rows", *spec.containers(whole)}


@dsl.pipeline(name="data-alone")
def data_alone(annotations: str):
    asked: dict[str, Any] = {"test_annotations": "", "data_version": "", "charset": "", "label_kind": "characters"}
    asked |= {"annotations": annotations, "force_uppercase": False}
    with dsl.ParallelFor([0, 1, 2]) as part:
        checked = check_rows(part=part, parts=3, **asked)
    merge_rows.build_tfrecords(parts=dsl.Collected(checked.outputs["rows"]), test_share=0.3, **asked)


@dsl.pipeline(name="training-alone")
def training_alone(dataset: str):
    imported = dsl.importer(artifact_uri=dataset, artifact_class=dsl.Dataset, reimport=False)
    asked = {name: form.parameter_default(field) for group in TRAINING for name, field in group.model_fields.items()}
    asked = {name: asked[name] for name in train.component_spec.inputs if name in asked}
    train(dataset=imported.output, **asked | {"worker_spot": True}).set_retry(num_retries=1, backoff_duration="0s")


@pytest.mark.slow
def test_a_training_that_is_tried_again_finds_its_job(vertex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """As when Vertex AI does not let the step see any more how its job stands."""
    for name, value in {
        "AOCR_VERTEX_ENDPOINT": vertex.url,
        "AOCR_IMAGE": "h/i:1",
        "GOOGLE_CLOUD_PROJECT": "p",
        "GOOGLE_CLOUD_LOCATION": "europe-west4",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(custom_jobs, "AOCR", toys.AOCR)
    vertex.faults.once("GetCustomJob", error=Forbidden("not for you"))
    compiler.Compiler().compile(training_alone, str(tmp_path / "pipeline.yaml"))
    compiled = spec.load(tmp_path / "pipeline.yaml")
    titles = {step.name: step.title for step in spec.steps(compiled)}
    (tmp_path / "data").mkdir()
    with ProgressView(titles, tmp_path / "events", terminal=False) as view:
        runs = local.run(compiled, {"dataset": str(tmp_path / "data")}, tmp_path / "root", tmp_path / "log", view)
    assert runs["train"].outputs["metrics"].metadata["steps"] == toys.RESULT["steps"]
    assert vertex.faults.met == 1
    assert vertex.names().count("CreateCustomJob") == 1


@pytest.mark.slow
def test_three_steps_and_one_make_the_data_set_of_one(tmp_path: Path):
    for number in range(20):
        image = Image.new("L", (40, 20), 255)
        image.paste(0, (4, 4, 14, 4 + number % 16 + 1))
        image.save(tmp_path / f"{number}.png")
    annotations = tmp_path / "annotations.txt"
    annotations.write_text("".join(f"{number}.png word{number}\n" for number in range(21)))
    folders = [str(tmp_path / side) for side in ("training", "test")]
    options = PrepareOptions(save_filename=True)
    counts = build_training_and_test(str(annotations), "", *folders, 0.3, options, DataOptions())

    compiler.Compiler().compile(data_alone, str(tmp_path / "pipeline.yaml"))
    compiled = spec.load(tmp_path / "pipeline.yaml")
    titles = {step.name: step.title for step in spec.steps(compiled)}
    with ProgressView(titles, terminal=False) as view:
        runs = local.run(compiled, {"annotations": str(annotations)}, tmp_path / "out", tmp_path / "log", view)
    built = runs["build-tfrecords"].outputs
    assert built["metrics"].metadata == counts and counts["rejected_rows"] == 1
    for folder, side in zip(folders, ("training", "test"), strict=True):
        names = storage.files_below(folder)
        assert storage.files_below(built[side].path) == names and len(names) == 3
        for name in names:
            assert Path(built[side].path, name).read_bytes() == Path(folder, name).read_bytes()
