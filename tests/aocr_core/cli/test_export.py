from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aocr_core.cli.export import command
from aocr_core.errors import AocrError, UsageError
from aocr_core.export import verify
from tests.aocr_core import small


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    return small.write_model(tmp_path_factory.mktemp("model"), small.config())


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


@pytest.mark.slow
def test_both_formats(model: str, tmp_path: Path):
    for expected in ("1", "2"):
        assert run(str(tmp_path), "--model-dir", model).stdout == f"{tmp_path}/{expected}\n"
    done = run(str(tmp_path / "frozen"), "--format=frozengraph", "--job-dir", model, "--gpu-id", "-1")
    assert done.stdout == f"{tmp_path}/frozen/frozen_graph.pb\n"
    assert (tmp_path / "2" / "saved_model.pb").is_file() and (tmp_path / "frozen" / "frozen_graph.pb").is_file()


@pytest.mark.slow
def test_compared_on_a_data_set(model: str, tmp_path: Path, monkeypatch):
    dataset = small.write_words(tmp_path / "words.tfrecords", ["bed", "cabbage", "decade"])
    compared: list[bytes] = []
    check = verify.compare_portable
    monkeypatch.setattr(verify, "compare_portable", lambda *given: compared.extend(given[-1]) or check(*given))
    done = run(str(tmp_path / "out"), "--model-dir", model, "--format", "litert", "--verify-with", dataset)
    assert done.stdout == f"{tmp_path}/out/litert\n"
    assert {path.name for path in (tmp_path / "out" / "litert").iterdir()} == {"model.tflite", "model.json", "read.py"}
    assert {small.picture(word) for word in ("bed", "cabbage", "decade")} <= set(compared)


def test_mistakes(model: str, tmp_path: Path):
    nothing = run("out", "--model-dir", str(tmp_path)).exception
    assert isinstance(nothing, AocrError) and "holds no model" in str(nothing)
    other = run("out", "--model-dir", model, "--max-prediction", "9").exception
    assert isinstance(other, UsageError) and "trained with 6: leave the flag out" in str(other)
    assert "Invalid value for '--format'" in run("out", "--format", "pytorch").output
    no_data = run("out", "--model-dir", model, "--verify-with", str(tmp_path / "none.tfrecords")).exception
    assert isinstance(no_data, UsageError) and "does not exist" in str(no_data)
