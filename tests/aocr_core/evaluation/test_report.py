import re
from html.parser import HTMLParser

import pytest

from aocr_core.evaluation.attention import overlay
from aocr_core.evaluation.report import Picture, Segment, compare, flatten, render
from aocr_core.evaluation.results import Evaluation, Row
from tests.aocr_core.evaluation.memory_reader import reading, word_image

HOSTILE = '<script>alert("1")</script>'
VOID = {"meta", "img", "br", "rect", "line", "link"}


class Page(HTMLParser):
    """Checks that tags are balanced, and collects tags and texts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open, self.tags, self.texts, self.sources = [], [], [], []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def page(rows: list[Row], kind="characters", config=None, **options) -> str:
    evaluation = Evaluation.of(rows, kind, seconds=1.0, **options)
    pictures = [Picture(row, overlay(word_image("any"), reading(row.text, kind=kind))) for row in rows]
    wrong = [picture for picture in pictures if not picture.row.right]
    right = [picture for picture in pictures if picture.row.right]
    return render(evaluation, wrong, right, config or {})


def test_hostile_texts_are_shown_not_run():
    html = page(
        [Row(HOSTILE, HOSTILE, HOSTILE, 0.5, 0), Row("p", HOSTILE, "x", 0.5, 26)],
        config={HOSTILE: HOSTILE},
        unknown={HOSTILE: 1},
    )
    parsed = Page(html)
    assert "script" not in parsed.tags
    assert HOSTILE in parsed.texts


def test_the_page_stands_alone():
    html = page([Row("a.png", "AB", "AB", 0.9, 0), Row("b.png", "AB", "A8", 0.8, 1)])
    assert "http" not in html and "url(" not in html and "@import" not in html
    sources = Page(html).sources
    assert len(sources) == 2 and all(source.startswith("data:image/png;base64,") for source in sources)


def test_headline_numbers():
    html = page([Row("a", "ABCD", "ABCD", 0.9, 0), Row("b", "ABCD", "ABC", 0.8, 1)])
    text = re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", html))
    for shown in ("50.0 % exactly right", "12.50 % character error rate", "85.0 % mean confidence", "2 images"):
        assert shown in text, shown


@pytest.mark.parametrize("text", ["", "مرحبا", "\U0001f600", "皖"])
def test_any_text(text):
    Page(page([Row("p", text, text, 1.0, 0), Row("q", text, "x" + text, 0.0, 1)]))


def test_warnings():
    html = page([Row("a", "A#", "A", 0.9, 1)], unknown={"#": 7}, unreadable=3)
    assert "3 images could not be decoded" in html and "\u00d77" in html
    assert "could not be decoded" not in page([Row("a", "A", "A", 0.9, 0)])


def test_tokens_are_named_so():
    html = page([Row("a", "\\frac x", "\\frac y", 0.9, 1)], kind="tokens")
    assert "token error rate" in html and "<mark>y</mark>" in html


def test_differences_are_marked():
    assert compare("ABC", "AXC", "characters") == (
        [Segment("A", True), Segment("B", False), Segment("C", True)],
        [Segment("A", True), Segment("X", False), Segment("C", True)],
    )
    assert compare("\\alpha x", "\\alpha", "tokens")[0] == [Segment("\\alpha", True), Segment("x", False)]
    assert compare("", "", "characters") == ([], [])


def test_flatten():
    config = {"a": {"b": True, "c": None}, "d": [" ", "x"], "e": 1}
    assert list(flatten(config)) == [("a.b", "yes"), ("a.c", "—"), ("d", "␣ x"), ("e", "1")]
