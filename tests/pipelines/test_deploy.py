"""`deploy` and `rollback` as a user types them."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from aocr_core.errors import AocrError, UsageError
from pipelines.cli import command
from tests.aocr_core.test_deployment import exported, served
from tests.components.vertex import toys


def ask(*words: str) -> str:
    result = CliRunner().invoke(command, words)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_a_folder(tmp_path: Path):
    serving = tmp_path / "serving"
    for text in "ab":
        ask("deploy", exported(tmp_path / text, text), "--serving-dir", str(serving))
    assert (
        ask("rollback", "--serving-dir", str(serving)) == f"deployed {serving}/aocr/3\nserves now: {serving}/aocr/3\n"
    )
    assert served(serving) == {"1": "a", "2": "b", "3": "a"}
    with pytest.raises(UsageError, match="roll back where"):
        ask("rollback")
    with pytest.raises(UsageError, match="either --serving-dir or --endpoint"):
        ask("rollback", "--serving-dir", str(serving), "--endpoint", toys.NAME)


def test_an_endpoint(words):
    place = ("--endpoint", toys.NAME, "--canary-percent", "50")
    for text in "ab":
        said = ask("deploy", words.export(text), "--serving-dir", toys.SERVING, "--image", toys.IMAGE, *place)
    assert f"version 2 goes to {toys.NAME} with 50 % of the traffic" in said
    assert said.splitlines()[-1] == f"{toys.SERVING}/aocr/2" and words.split() == {2: 100}
    (model,) = words.vertex.models.stored.values()
    assert model[2].version_description == "Deployed by hand."
    assert "serves now: projects/p/locations/europe-west1/models/aocr@1" in ask("rollback", *place)
    assert words.split() == {1: 100}


@pytest.mark.parametrize("name", ["words", "projects/p/endpoints/words", "projects/p/locations/l/endpoints/-words"])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str):
    with pytest.raises(UsageError, match=r"--endpoint: input should be like projects/PROJECT/locations/REGION"):
        ask("deploy", str(tmp_path), "--serving-dir", toys.SERVING, "--endpoint", name)


def test_no_export_is_said(tmp_path: Path):
    with pytest.raises(AocrError, match="holds no exported model"):
        ask("deploy", str(tmp_path), "--serving-dir", toys.SERVING, "--endpoint", toys.NAME, "--image", toys.IMAGE)
