"""The real commands, as a user calls them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest


def aocr(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-c", "from aocr_core.cli.main import main; main()"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    return subprocess.run([*program, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=120)


@pytest.fixture
def folder(tmp_path: Path, word_image: Callable[..., bytes]) -> Path:
    """`annotations.txt` with two good rows and a bad one."""
    for word in ("one", "two"):
        (tmp_path / f"{word}.png").write_bytes(word_image(word))
    (tmp_path / "annotations.txt").write_text("one.png one\ntwo.png Two\nthree.png three\n")
    return tmp_path


def test_the_original_form(folder: Path):
    done = aocr("dataset", "annotations.txt", "--log-step", "2", "--save-filename", "--no-force-uppercase", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "line 3: three.png: no such file" in done.stderr and "2 rows checked" in done.stderr
    assert done.stdout.splitlines() == [
        "3 rows read, 2 accepted, 1 rejected",
        "     1  rejected: no such file (line 3)",
        "Each rejected row and its reason: ./dataset.tfrecords.rejected.tsv",
        "Dataset is ready: 2 images in ./dataset.tfrecords",
    ]
    from aocr_core.data import records

    found = list(records.read([str(folder / "dataset.tfrecords")]))
    assert [(record.label, record.comment) for record in found] == [("one", "one.png"), ("Two", "two.png")]


def test_strict_fails_and_writes_nothing(folder: Path):
    done = aocr("dataset", "annotations.txt", "data", "--strict", cwd=folder)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("aocr: 1 of 3 rows of annotations.txt cannot be used (--strict)")
    assert not (folder / "data").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["nothing.txt"], 2, "annotation file nothing.txt does not exist"),
        (["annotations.txt", "--shards", "0"], 2, "--shards: input should be greater than 0"),
        (["annotations.txt", "--charset", "klingon"], 2, "unknown charset 'klingon'"),
        (["annotations.txt", "--charset", "digits"], 1, "no row of annotations.txt can be used"),
        (["annotations.txt", "."], 2, ". holds other things"),
        (["one.png"], 1, "one.png is no text in UTF-8"),
    ],
)
def test_mistakes_are_answered_in_one_line(folder: Path, arguments: list[str], status: int, message: str):
    done = aocr("dataset", *arguments, cwd=folder)
    assert done.returncode == status
    assert "Traceback" not in done.stderr and message in done.stderr.splitlines()[-1]


def test_bad_inputs_end_well(shared_data: Callable[[str], Path], tmp_path: Path):
    annotations = shared_data("bad_inputs") / "annotations.txt"
    done = aocr("dataset", str(annotations), str(tmp_path / "data"))
    assert done.returncode == 0 and "Traceback" not in done.stderr
    assert done.stdout.startswith("44 rows read, 28 accepted, 16 rejected\n")
    assert len([line for line in done.stderr.splitlines() if line.startswith("line ")]) == 16


def test_neither_command_loads_tensorflow(folder: Path):
    code = (
        "import sys; from aocr_core.cli.main import command\n"
        "command.main(['dataset', 'annotations.txt', 'data'], standalone_mode=False)\n"
        "command.main(['stats', 'data'], standalone_mode=False)\n"
        "assert 'tensorflow' not in sys.modules"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, check=True, capture_output=True)


def test_stats_of_a_data_set_and_of_its_annotations_agree(folder: Path):
    assert aocr("dataset", "annotations.txt", "data", cwd=folder).returncode == 0
    found = [json.loads(aocr("stats", source, "--json", cwd=folder).stdout) for source in ("data", "annotations.txt")]
    assert found[0]["symbols"] == {"o": 2, "T": 1, "e": 1, "n": 1, "w": 1}
    assert found[0]["size"] > found[1]["size"] == 0
    assert {**found[0], "size": 0} == found[1]


def test_stats_of_nothing_is_a_mistake(tmp_path):
    (tmp_path / "empty.txt").touch()
    ended = aocr("stats", "empty.txt", cwd=tmp_path)
    assert ended.returncode == 1
    assert ended.stderr.strip().splitlines()[-1] == "aocr: empty.txt has no labelled image"


def test_stats_prints_a_table(folder: Path):
    done = aocr("stats", "annotations.txt", cwd=folder)
    assert done.returncode == 0, done.stderr
    for part in ("2 labelled images", "width, pixels", "o 2!", "1x rejected: no such file"):
        assert part in done.stdout


def test_stats_of_a_damaged_data_set_is_one_line(folder: Path):
    (folder / "broken.tfrecords").write_bytes(b"not a TFRecord file at all")
    done = aocr("stats", "broken.tfrecords", cwd=folder)
    assert done.returncode == 1
    assert (
        done.stderr == "aocr: broken.tfrecords is not a TFRecord file (or a compressed one, which is not supported)\n"
    )
