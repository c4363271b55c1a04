"""The pipeline whose rows are checked in parts: valid, and the same data set."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from google.protobuf import json_format
from kfp import compiler, dsl
from kfp.pipeline_spec import pipeline_spec_pb2
from PIL import Image

from aocr_core import storage
from aocr_core.config import DataOptions, PrepareOptions
from aocr_core.data.split import build_training_and_test
from components import merge_rows
from components.check_rows import check_rows
from pipelines import local, spec
from pipelines.compile import chosen, command
from pipelines.progress_view import ProgressView


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
