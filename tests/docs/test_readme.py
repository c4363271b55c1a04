"""The commands of the README are commands that this project understands."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import shell
from tests.aocr_core.serving import tiny_export
from tests.aocr_core.serving.conftest import place, running
from tests.command_line import COMMANDS, understood
from tests.docs.test_vertex import lint

__all__ = ["place", "running"]

README = Path(__file__).parents[2] / "README.md"
LOCAL = {"no_proxy": "127.0.0.1,localhost", "NO_PROXY": "127.0.0.1,localhost"}


def commands() -> list[list[str]]:
    """The words of each line in a block that calls `aocr`, `aocr-pipeline` or `make`, up to a pipe."""
    blocks = "".join(re.findall(r"^```\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE))
    found = []
    for line in blocks.replace("\\\n", " ").splitlines():
        if re.match(r"(\$ )?(aocr|aocr-pipeline|make) ", line):
            words = shlex.split(line.removeprefix("$ "), comments=True)
            found.append(words[: words.index("|")] if "|" in words else words)
    return found


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_a_command_is_one(words: list[str]):
    if words[0] in COMMANDS:
        understood(words)
        return
    shell.understood_by_make(words)
    if words[1] == "run":  # which passes ARGS on
        given = dict(word.split("=", 1) for word in words[2:])
        understood(["aocr-pipeline", "run", *shlex.split(given.get("ARGS", ""))])


def test_there_are_some():
    assert len(commands()) > 20
    assert {words[0] for words in commands()} == {*COMMANDS, "make"}


JOB = """gcloud ml-engine jobs submit training $JOB_NAME \\
    --job-dir=$JOB_DIR \\
    --module-name=aocr \\
    --package-path=aocr \\
    --region=$REGION \\
    --scale-tier=BASIC_GPU \\
    --runtime-version=1.2 \\
    -- \\
    train $GS_BUCKET/$DATASET_UPLOAD_PATH \\
    --steps-per-checkpoint=500 \\
    --batch-size=512 \\
    --num-epoch=20"""
"""What the README of aocr 0.7.6 starts a training in the cloud with."""


def translated() -> list[list[str]]:
    """The rows of the table that tells what became of it."""
    (table,) = re.findall(r"^\| then \| `aocr-pipeline job.*?\n\n", README.read_text(), re.DOTALL | re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.strip().splitlines()]


def test_each_line_of_the_original_job_has_its_row():
    assert [row[0].strip("`") for row in translated()[2:]] == [line.strip(" \\") for line in JOB.splitlines()]


def translation(column: int) -> list[str]:
    """The command of a column, with its options from the rows; variables stand for something."""
    said, _, *rows = translated()
    found = [match[1] for row in rows if (match := re.match("`(.*?)`", row[column]))]
    return shlex.split(re.sub(r"\$[A-Z_]*(DIR|BUCKET)\b", "gs://b", " ".join([said[column].strip("`"), *found])))


def test_its_translation_is_a_command_of_this_project():
    words = translation(1)
    understood(words)
    assert len(words) == 9


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("gcloud") is None, reason="needs gcloud")
def test_and_one_of_gcloud(tmp_path: Path):
    words = translation(2)
    right, wrong = lint([shlex.join(words), shlex.join([*words, "--scale-tier=BASIC_GPU"])], tmp_path)
    assert right["success"] and not wrong["success"]
    assert len(words) == 7


def block(first_words: str, kind: str = "") -> str:
    """The block of the page that holds these words."""
    blocks = re.findall(rf"^```{kind}\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)
    (found,) = [block for block in blocks if first_words in block]
    return found


@pytest.fixture(scope="module")
def root(tmp_path_factory, place, running) -> Iterator[str]:
    """The address of a server with the model `aocr`."""
    base = tmp_path_factory.mktemp("base")
    place(base / "1")
    with running(base) as server:
        yield server.url.removesuffix("/v1/models/aocr")


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
def test_the_request_of_the_original_is_answered(root: str):
    words = block("curl -X POST").replace("<your image encoded as base64>", b64encode(tiny_export.png(40)).decode())
    words = words.replace("localhost:9001", f"localhost:{root.rpartition(':')[2]}")
    done = subprocess.run(["bash", "-c", words], env=os.environ | LOCAL, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {"outputs": {"output": "40x20", "probability": 1.0}}


@pytest.mark.slow
def test_the_client_in_python_reads_a_folder(root: str, tmp_path: Path):
    (tmp_path / "words").mkdir()
    for width in (30, 40):
        (tmp_path / "words" / f"{width}.png").write_bytes(tiny_export.png(width))
    program = block("serving.client import Client", "python")
    assert "http://127.0.0.1:9001" in program
    program = program.replace("http://127.0.0.1:9001", root)
    environment = os.environ | LOCAL | {"PYTHONPATH": str(README.parent)}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:2] == ["words/30.png 30x20 1.0", "words/40.png 40x20 1.0"]
    assert lines[2].startswith("('3', '0', 'x', '2', '0') (1.0,") and lines[2].endswith(" (5, 4)")


def test_links_to_files_lead_to_files():
    for page in (README, README.parent / "docs/vertex.md"):
        text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
        links = re.findall(r"\]\((?!http|#)([^)#]+)", text)
        assert len(links) > 3
        assert [link for link in links if not (page.parent / link).exists()] == []


def test_links_into_the_page_on_vertex_ai_lead_somewhere():
    def anchors(page: Path) -> set[str]:
        titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
        return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}

    page = README.parent / "docs/vertex.md"
    links = re.findall(r"\]\(docs/vertex\.md#([^)]+)\)", README.read_text())
    links += re.findall(r"\]\(#([^)]+)\)", page.read_text())
    assert len(links) > 10 and set(links) <= anchors(page)
