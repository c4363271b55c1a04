"""The options of `aocr-pipeline run`, without running it."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from aocr_core.config import TrainOptions
from aocr_core.errors import UsageError
from components.inputs import EndpointOptions
from components.workers import WorkerOptions
from pipelines import spec
from pipelines.run import command

COMMAND = [sys.executable, "-c", "from pipelines.cli import main; main()"]


def test_every_parameter_of_the_pipeline_is_an_option():
    options = {option.name: option for option in command.params}
    left_out = {"serving_dir", "data_version", *EndpointOptions.model_fields, *WorkerOptions.model_fields}
    for parameter in spec.parameters(spec.load()):
        if parameter.name in left_out:
            assert parameter.name not in options or options[parameter.name].hidden
        else:
            assert options[parameter.name].help.split()[:3] == parameter.description.split()[:3]
            assert options[parameter.name].default is None


def test_a_parameter_is_named_by_its_flag():
    texts = {option.name: option.help for option in command.params}
    assert "--test-share" in texts["test_annotations"] and "test_share" not in texts["test_annotations"]
    assert "--test-annotations" in texts["test_share"]


def test_the_defaults_are_shown():
    text = " ".join(CliRunner().invoke(command, ["--help"]).output.split())
    assert f"Images in one training step. [default: {TrainOptions().batch_size}]" in text
    assert "Passes over the training data. [0: " in text


@pytest.mark.parametrize("words", [["--worker-count=2"], ["--worker-spot"], ["--worker-machine=n1-highmem-16"]])
def test_options_of_workers_are_said_to_need_vertex_ai(words: list[str]):
    with pytest.raises(UsageError, match=f"^{words[0]} needs Vertex AI: aocr-pipeline submit"):
        CliRunner().invoke(command, words, catch_exceptions=False)


def test_a_missing_annotation_file_ends_in_one_line(tmp_path):
    ended = subprocess.run(
        [*COMMAND, "run", "--annotations", "no/such.txt", "--build-dir", str(tmp_path / "build")],
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 2
    assert "no/such.txt" in ended.stderr and len(ended.stderr.strip().splitlines()) == 1


def test_a_build_folder_that_cannot_be_made_is_told_in_one_line(tmp_path):
    (tmp_path / "file").touch()
    ended = subprocess.run(
        [*COMMAND, "run", "--build-dir", str(tmp_path / "file" / "build")], capture_output=True, text=True
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("aocr-pipeline: cannot write the build folder") and ended.stderr.count("\n") == 1


def test_help_loads_neither_kfp_nor_tensorflow():
    code = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from pipelines.cli import command\n"
        "for words in (['--help'], ['run', '--help'], ['compile', '--help'], ['stop', '--help']):\n"
        "    assert CliRunner().invoke(command, words).exit_code == 0, words\n"
        "print(sorted({'kfp', 'tensorflow', 'numpy', 'PIL', 'google.protobuf'} & set(sys.modules)))\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.stdout == "[]\n", ended.stderr
