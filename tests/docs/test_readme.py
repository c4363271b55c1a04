"""The commands of the README are commands that this project understands."""

import re
import shlex
from pathlib import Path

import pytest

from tests import shell
from tests.command_line import COMMANDS, understood

README = Path(__file__).parents[2] / "README.md"


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
