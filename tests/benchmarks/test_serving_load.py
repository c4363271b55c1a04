"""When the measurement of a server fails, and how it tells versions apart."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from aocr_core import smoke
from aocr_core.charset import Charset
from aocr_core.recognizer import Recognizer
from benchmarks import serving_load
from benchmarks.load import Result
from benchmarks.marked import Marked
from tests.aocr_core import small

IMAGES = [small.picture(word) for word in ("a", "cab", "bed")]


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> Path:
    from aocr_core.export import export

    model = small.write_model(tmp_path_factory.mktemp("model"), small.config())
    return Path(export(model, str(tmp_path_factory.mktemp("exports"))))


def took(*milliseconds: float, refused: int = 0) -> Result:
    return Result(1.0, [value / 1000 for value in milliseconds], refused)


def test_too_slow():
    one, single, open_ = took(*[50] * 20), took(*[10] * 20), took(*[50] * 100)
    assert serving_load.too_slow(one, took(*[10] * 50), single, open_) == []
    assert serving_load.too_slow(one, took(*[10] * 49), single, open_) == [
        "batches give less than 2.5 times the throughput"
    ]
    late = "the p99 is more than 5 times the median of a single client"
    assert serving_load.too_slow(one, took(*[10] * 50), single, took(*[50] * 98, 51, 51)) == [late]
    assert serving_load.too_slow(one, took(*[10] * 50), single, took(*[50] * 98, refused=2)) == [late]
    assert serving_load.too_slow(one, took(*[10] * 50), single, took()) == [late]


def test_a_single_request_that_is_not_answered(capsys):
    assert serving_load.unanswered(took(1, 2)) == []
    assert serving_load.unanswered(took(1, refused=1)) == ["1 requests were refused or failed"]
    broken = Result(1.0, [0.1], 1, ["hung up", "again"])
    assert serving_load.unanswered(broken) == ["3 requests were refused or failed, the first with: hung up"]
    assert serving_load.unanswered(took()) == ["no request was answered"]
    assert capsys.readouterr().out.splitlines()[2] == "1 answers, 1 refused, 2 failed"


def test_memory_that_grows():
    assert serving_load.grown(500 * 2**20, 550 * 2**20) == []
    assert serving_load.grown(500 * 2**20, 551 * 2**20) == ["the memory grew by more than 50 MB"]


@pytest.mark.slow
def test_each_copy_reads_other_texts_and_knows_them(exported: Path, tmp_path):
    marked = Marked(exported)
    texts = [reading.text for reading in Recognizer.load(exported).read_plain(IMAGES)]
    assert any(texts)
    found = {}
    for number in range(3):
        marked.write(number, tmp_path / str(number))
        found[number] = [reading.text for reading in Recognizer.load(tmp_path / str(number)).read_plain(IMAGES)]
        assert found[number] == [marked.text(text, number) for text in texts]
    assert found[0] == texts and found[1] != texts and found[2] not in (texts, found[1])
    known = smoke.read(str(tmp_path / "2"))
    assert [one.text for one in known] == [marked.text(one.text, 2) for one in smoke.read(str(exported))]


def test_an_answer_of_a_version_that_does_not_serve_any_more_is_wrong(tmp_path):
    (tmp_path / "assets").mkdir()
    charset = Charset(symbols=("a", "b", "c", "d"))
    (tmp_path / "assets" / "config.json").write_text(json.dumps({"charset": charset.model_dump()}))
    switching = serving_load.Switching(Marked(tmp_path), ["ad"])

    def answer(text: str) -> bytes:
        return json.dumps({"predictions": [{"output": text}]}).encode()

    look = switching.judge(0)
    switching.coming = 2
    assert look(answer("ad")) == look(answer("ba")) == ""
    assert look(answer("cb")) == "'cb' where versions 1 to 2 read ['ad', 'ba']"
    switching.serving = 2
    assert look(answer("ad")) == ""  # asked before the switch
    assert switching.judge(0)(answer("ad")) == "'ad' where versions 2 to 2 read ['ba']"


@pytest.mark.slow
def test_switches_under_load(exported: Path, tmp_path):
    (tmp_path / "a.png").write_bytes(IMAGES[1])
    command = [sys.executable, "-m", "benchmarks.serving_load", str(exported.parent), str(tmp_path), "--switches", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("2 new versions: ")
    assert done.stdout.endswith(" answers, 0 refused, 0 failed\n")
