"""`aocr test` as a user runs it. The model knows nothing: what counts is what is compared, printed and written."""

import json

import pytest
from click.testing import CliRunner

from aocr_core.data.records import Record, Writer
from aocr_core.errors import UsageError
from tests.aocr_core.evaluation.memory_reader import word_image

pytestmark = pytest.mark.slow


@pytest.fixture
def dataset(tmp_path) -> str:
    """Five images without names, as aocr 0.7.6 wrote them unless told otherwise."""
    path = tmp_path / "test.tfrecords"
    with Writer(path) as writer:
        for label in ("a", "bb", "ccc", "A", "cb"):
            writer.write(Record(word_image(label), label))
    return str(path)


def run(*arguments: str):
    from aocr_core.cli.test import command

    return CliRunner().invoke(command, arguments)


def test_figures_and_files(model, dataset, tmp_path):
    done = run(dataset, "--model-dir", model, "--output-dir", str(tmp_path / "out"), "--batch-size", "2")
    assert done.exception is None, done.output
    lines = dict(line.split("  ", 1) for line in done.stdout.splitlines() if "  " in line)
    assert lines["images"].split() == ["5"]
    assert {"exactly right", "character error rate", "1-NED", "character similarity"} <= set(lines)
    assert f"report: {tmp_path}/out/report.html" in done.stdout
    metrics = json.loads((tmp_path / "out/metrics.json").read_text(encoding="utf-8"))
    assert metrics["count"] == 5 and metrics["unknown_symbols"] == {"A": 1}
    assert len((tmp_path / "out/predictions.tsv").read_text(encoding="utf-8").splitlines()) == 6
    assert not list((tmp_path / "out").glob("predict-*"))


def test_a_command_line_of_the_original(model, dataset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    flags = "--visualize --max-width 64 --max-height 32 --max-prediction 4 --no-distance --gpu-id -1 --job-dir"
    done = run(dataset, *flags.split(), model)
    assert done.exception is None, done.output
    assert len(list((tmp_path / "results").glob("predict-*/image.gif"))) == 5
    assert "similarity" not in done.stdout and "exactly right" in done.stdout


def test_a_flag_that_contradicts_the_model(model, dataset):
    error = run(dataset, "--model-dir", model, "--max-prediction", "8").exception
    assert isinstance(error, UsageError) and "trained with 4" in str(error)
