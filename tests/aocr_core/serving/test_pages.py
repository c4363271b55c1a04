"""The page in a real browser, asking a real server."""

import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aocr_core.serving import pages
from aocr_core.serving.client import Client
from docs.browser import Page, browser, find
from tests.aocr_core.serving import page_export, tiny_export
from tests.aocr_core.serving.doorkeeper import doorkeeper
from tests.aocr_core.serving.test_server import call

pytestmark = pytest.mark.slow

INJECTION = "<img src=x onerror=\"document.title='broken'\"><b>A & B</b>"
ARABIC = list("شارع ١٢٣")
FORMULA = [r"\frac", "{", "a", "}", "{", "b", "}", "<", "c"]

NEEDED = "AOCR_NEEDS_BROWSER"
"""Set where there has to be a browser: then nothing is skipped in silence."""
TAB, LEFT, RIGHT, ESCAPE = ("Tab", 9), ("ArrowLeft", 37), ("ArrowRight", 39), ("Escape", 27)


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Iterator[Page]:
    program = find()
    if program is None:
        (pytest.fail if os.environ.get(NEEDED) else pytest.skip)("needs Chromium or Chrome on the path")
    with browser(program, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(autouse=True)
def fresh(page):
    page.look(900)
    page.requests.clear()
    page.complaints.clear()


@pytest.fixture(scope="module")
def roots(tmp_path_factory, running) -> Iterator[dict[str, str]]:
    """Servers of a model that writes what could be HTML, of a right-to-left one, and of one of LaTeX."""
    models = {
        "injection": {"symbols": list(INJECTION)},
        "arabic": {"symbols": ARABIC, "backwards": True},
        "formula": {"symbols": FORMULA, "separator": " ", "ends": False},
    }
    bases = {name: tmp_path_factory.mktemp(name) for name in models}
    for name, options in models.items():
        page_export.write(bases[name] / "7", **options)
    with (
        running(bases["injection"], model_name="injection") as first,
        running(bases["arabic"], model_name="arabic") as second,
        running(bases["formula"], model_name="formula") as third,
    ):
        yield {
            name: server.url.rpartition("/v1/")[0] for name, server in zip(models, (first, second, third), strict=True)
        }


@pytest.fixture
def image(tmp_path) -> Path:
    path = tmp_path / "word.png"
    path.write_bytes(tiny_export.png(120, 40))
    return path


def read(page: Page, root: str, *images: Path) -> None:
    """Open the page, choose images, and wait until each is answered."""
    page.open(root)
    page.choose("#files", images)
    page.wait(f"document.querySelectorAll('.card[aria-busy=false]').length === {len(images)}")


def text(page: Page, selector: str) -> str:
    return page.run(f"document.querySelector({json.dumps(selector)}).textContent")


def test_headers_and_files(roots):
    assert call(f"{roots['arabic']}/v1/models") == (200, {"models": [{"name": "arabic"}]})
    policy = dict(part.strip().split(" ", 1) for part in pages.HEADERS["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    folder = Path(pages.__file__).parent / "page"
    for file in folder.iterdir():
        content = file.read_text(encoding="utf-8")
        assert "innerHTML" not in content and not re.search(
            r"\son\w+=|style=|<script(?! type=\"module\" src=)", content
        )
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", content), "a resource from elsewhere"


def test_the_page_shows_what_the_api_answers(page, roots, tmp_path):
    """Also: a text and a file name that could be HTML stay text, and nothing is asked for elsewhere."""
    root = roots["injection"]
    file = tmp_path / f"{INJECTION.replace('/', '')}.png"
    file.write_bytes(tiny_export.png(120, 40))
    read(page, root, file)
    with Client(root) as client:
        (reading,) = client.read([file], attention=True)
    assert reading.text == INJECTION
    symbols = page.run("[...document.querySelectorAll('.text .symbol:not(.end)')].map((symbol) => symbol.textContent)")
    assert tuple(symbols) == reading.symbols
    assert text(page, ".name") == file.name
    assert text(page, ".whole b") == "62.5 %"
    assert text(page, "#model") == "model injection, version 7"
    labels = page.run("[...document.querySelectorAll('.symbol[role]')].map((symbol) => symbol.ariaLabel)")
    shares = [f"{100 * share:.1f} %" for share in reading.symbol_probabilities]
    assert [label.rpartition(", ")[2] for label in labels] == shares
    assert labels[-1].startswith("end of the text")
    assert page.run("document.title") == "injection · Attention OCR"
    assert page.run("document.querySelectorAll('main b, main img').length") == 2, "the card's own"
    assert text(page, "#said") == f"{file.name}: {INJECTION}, 62.5 % sure"
    assert page.complaints == []
    assert page.requests
    assert all(url.startswith((f"{root}/", f"blob:{root}/")) for url in page.requests)
    with pytest.raises(Exception, match="Failed to fetch"):
        page.run("fetch('http://127.0.0.1:1/')")
    assert "Content Security Policy" in page.complaints[0]


def glow(page: Page) -> list[float]:
    """Opacity of the veil over ten places across the image, at half its height."""
    return page.run(
        """(() => { const canvas = document.querySelector('.light');
        const line = canvas.getContext('2d').getImageData(0, canvas.height >> 1, canvas.width, 1).data;
        return [...Array(10).keys()].map((n) => line[4 * Math.floor((n + 0.5) / 10 * canvas.width) + 3] / 255); })()"""
    )


def test_the_image_lights_up_where_the_symbol_was_seen(page, roots, image):
    read(page, roots["arabic"], image)
    assert max(glow(page)) == 0
    page.run("document.querySelector('.text .symbol').focus()")
    first = glow(page)
    assert first.index(min(first)) == 9 and first[0] > 0.6
    assert re.fullmatch("\u2068ش\u2069 · 99.9 % sure · seen at \\d+\u2013100 % of the width", text(page, ".figure"))
    page.press(*LEFT)  # to the next one: this script runs to the left
    assert text(page, ".figure").startswith(f"\u2068{ARABIC[1]}\u2069")
    page.press(*RIGHT)
    assert glow(page) == first
    page.press(*ESCAPE)
    assert max(glow(page)) == 0
    box = page.run("document.querySelector('.symbol[data-index=\"7\"]').getBoundingClientRect().toJSON()")
    page.command("Input.dispatchMouseEvent", type="mouseMoved", x=box["x"] + box["width"] / 2, y=box["y"] + 20)
    last = glow(page)
    assert last.index(min(last)) == 0
    # The rows below the image are in the same order, from above.
    box = page.run("document.querySelector('.heat').getBoundingClientRect().toJSON()")
    page.command("Input.dispatchMouseEvent", type="mouseMoved", x=box["x"] + box["width"] / 2, y=box["y"] + 2)
    assert glow(page) == first


def test_right_to_left_and_tokens(page, roots, image):
    read(page, roots["arabic"], image)
    assert page.run("document.querySelector('.text').dir") == "rtl"
    places = page.run("[...document.querySelectorAll('.symbol[role]')].map((it) => it.getBoundingClientRect().x)")
    assert places[0] > places[3] > places[4] > places[7] > places[5] > places[8], "figures run to the right"
    read(page, roots["formula"], image)
    assert page.run("document.querySelector('.text').dir") == "ltr"
    assert text(page, ".text") == r"\frac { a } { b } < c" + "cut"
    assert page.run("document.querySelector('.end').ariaLabel") == "cut off at the greatest length"


def test_images_that_are_dropped_and_pasted(page, roots, image):
    page.open(roots["formula"])
    page.wait("document.title !== 'Attention OCR'")
    for kind, field in (("drop", "dataTransfer"), ("paste", "clipboardData")):
        page.run(
            f"""(async () => {{
            const picture = new OffscreenCanvas(60, 30);
            picture.getContext('2d').fillRect(9, 9, 9, 9);
            const transfer = new DataTransfer();
            transfer.items.add(new File([await picture.convertToBlob()], '{kind}.png', {{type: 'image/png'}}));
            const make = '{kind}' === 'drop' ? DragEvent : ClipboardEvent;
            document.body.dispatchEvent(new make('{kind}', {{{field}: transfer, bubbles: true, cancelable: true}}));
            }})()"""
        )
    page.wait("document.querySelectorAll('.card[aria-busy=false] .symbol').length === 20")
    assert page.run("[...document.querySelectorAll('.name')].map((name) => name.textContent)") == [
        "paste.png",
        "drop.png",
    ]
    assert page.run("document.querySelector('.facts').textContent").startswith("60 \u00d7 30 pixels")
    page.run("document.querySelector('#clear').click()")
    assert page.run("document.querySelectorAll('#cards > *').length") == 0


def test_a_file_is_found_from_where_the_program_was_started(page, roots, image, monkeypatch):
    """`make pictures` names it so. The browser would look for it in a folder of its own."""
    monkeypatch.chdir(image.parent)
    read(page, roots["formula"], Path(image.name))
    assert page.run("document.querySelector('.card .symbol') !== null")


def test_what_goes_wrong_is_said_in_words(page, roots, image, tmp_path):
    wrong = tmp_path / "letter.txt"
    wrong.write_text("no image")
    read(page, roots["formula"], wrong, image)
    assert page.run("[...document.querySelectorAll('.state')].map((state) => state.textContent)")[1].startswith(
        "Not an image: none of PNG"
    )
    assert page.run("[...document.querySelectorAll('.again')].every((button) => button.hidden)")
    with doorkeeper(roots["formula"]) as door:
        page.open(door.root)
        page.wait("document.title !== 'Attention OCR'")
        door.refusals = [(503, "1"), (500, "")]
        page.choose("#files", [image])
        page.wait("document.querySelector('.state')?.textContent.startsWith('The server is busy: next attempt in')")
        page.wait("document.querySelector('.state').textContent === 'The server failed: busy'")
        page.run("document.querySelector('.again').click()")
        page.wait("document.querySelector('.card[aria-busy=false] .symbol')")
        door.largest = 10
        page.choose("#files", [image])
        page.wait(
            "document.querySelector('.state').textContent === 'Too large for the server: the request is too large.'"
        )
        door.refusals = [(0, "")] * 4  # browsers try again by themselves
        page.choose("#files", [image])
        page.wait("document.querySelector('.state').textContent === 'The server does not answer. Is it still running?'")


def test_a_token_is_asked_for_and_not_kept(page, roots, image):
    with doorkeeper(roots["formula"]) as door:
        door.token = "secret"
        page.open(door.root)
        page.wait("!document.querySelector('#access').hidden")
        assert page.run("document.querySelector('#problem').hidden")
        for token, outcome in (
            ("wrong", "!document.querySelector('#problem').hidden"),
            ("secret", "document.title[0] === 'f'"),
        ):
            page.run("document.querySelector('#token').select()")
            page.command("Input.insertText", text=token)
            page.press("Enter", 13, "\r")
            page.wait(outcome)
        assert page.run("document.querySelector('#access').hidden")
        page.choose("#files", [image])
        page.wait("document.querySelector('.card[aria-busy=false] .symbol')")
        assert "Authorization: Bearer $AOCR_TOKEN" in text(page, "#curl")
        assert "secret" not in page.run("document.documentElement.outerHTML + document.cookie")
        assert page.run("localStorage.length + sessionStorage.length") == 0


def test_one_of_several_models_is_chosen(page, roots, image):
    with doorkeeper(roots["formula"]) as door:
        page.open(door.root)
        page.wait("document.title !== 'Attention OCR'")
        assert page.run("document.querySelector('#several').hidden")
        door.others = {"arabic": roots["arabic"]}
        read(page, door.root, image)
        assert text(page, ".text") == r"\frac { a } { b } < c" + "cut"
        page.run("document.querySelector('#which').value = 'arabic'")
        page.run("document.querySelector('#which').dispatchEvent(new Event('change'))")
        page.wait("document.title.startsWith('arabic')")
        assert text(page, "#model") == "version 7"
        page.choose("#files", [image])
        page.wait("document.querySelector('.text')?.dir === 'rtl'")
        assert text(page, ".text") == "".join(ARABIC) + "end"


def test_works_by_keyboard_and_on_a_phone(page, roots, image):
    page.look(360, 640)
    read(page, roots["injection"], image)
    assert page.run("document.documentElement.scrollWidth") <= 360
    page.run("document.activeElement.blur()")
    reached = []
    for _ in range(20):
        page.press(*TAB)
        reached.append(page.run("document.activeElement.id || document.activeElement.className"))
    assert reached.index("files") < next(at for at, name in enumerate(reached) if "symbol" in name)
    neighbours = itertools.pairwise(reached)
    assert not any("symbol" in one and "symbol" in other for one, other in neighbours), "one stop for the whole text"


def test_the_lines_for_programs_work(page, roots, tmp_path):
    """The shell's and Python's lines, as they stand on the page, with a file name that needs quoting."""
    file = tmp_path / 'it\'s $(a) "word".png'
    file.write_bytes(tiny_export.png(120, 40))
    read(page, roots["formula"], file)
    shell = subprocess.run(["sh", "-c", text(page, "#curl")], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert json.loads(shell.stdout)["predictions"][0]["output"] == " ".join(FORMULA), shell.stderr
    python = subprocess.run(
        [sys.executable, "-c", text(page, "#python")],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(pages.__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert python.stdout.splitlines()[0] == " ".join(FORMULA) + " 0.625", python.stderr
    assert python.stdout.splitlines()[-1] == f"({len(FORMULA)}, {page_export.TIME})"
