"""`aocr predict` as a user runs it. The model knows nothing: what counts is which images are answered, and how."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from aocr_core.cli.predict import _line, command
from aocr_core.errors import AocrError, UsageError
from aocr_core.reading import Reading

PREDICT = [sys.executable, "-m", "aocr_core", "predict"]


@pytest.fixture
def images(tmp_path) -> Path:
    """A folder with three images, `1.png` to `3.jpg`, and a file that is none."""
    folder = tmp_path / "images"
    folder.mkdir()
    for name, shade in [("1.png", 0), ("2.PNG", 99), ("3.jpg", 200)]:
        Image.new("L", (60, 30), shade).save(folder / name)
    (folder / "labels.txt").write_text("1.png a")
    return folder


WHITE = ("0.3882", "0.7843", "0.0000")
"""Shares of white in the images of the fixture: what the server's model says its probabilities are."""


def run(*arguments: str, stdin: str | bytes = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PREDICT, *arguments],
        env=os.environ | environment,
        input=os.fsdecode(stdin),
        capture_output=True,
        text=True,
        errors="surrogateescape",
        timeout=120,
    )


def errors(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What is said on standard error, but for warnings: the images of the fixture are uniform."""
    return [line for line in done.stderr.splitlines() if ": warning: " not in line]


def paths(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line.split("\t")[0] for line in done.stdout.splitlines()]


@pytest.mark.slow
def test_files_folders_and_standard_input_in_order(model, images):
    done = run(f"{images}/2.PNG", str(images), "-", "--model-dir", model, stdin=f"{images}/1.png\n\n{images}/3.jpg")
    assert done.returncode == 0, done.stderr
    assert [Path(path).name for path in paths(done)] == ["2.PNG", "1.png", "2.PNG", "3.jpg", "1.png", "3.jpg"]
    for line in done.stdout.splitlines():
        _, text, probability = line.split("\t")
        assert set(text) <= set("abc")
        assert 0 < float(probability) <= 1


@pytest.mark.slow
def test_another_decoder_reads_otherwise(model, images):
    joint, alone = (run(str(images), "--model-dir", model, *options) for options in ((), ("--decoder", "ctc")))
    assert paths(joint) == paths(alone) and joint.stdout != alone.stdout
    wrong = run(str(images), "--model-dir", model, "--decoder", "ctc", "--beam-width", "3")
    assert wrong.returncode == 2 and wrong.stderr.splitlines()[-1].endswith(
        "--beam-width: the decoder ctc follows no beams: leave it out (got 3)"
    )


@pytest.mark.slow
def test_unreadable_images_are_named_and_the_rest_is_read(model, images):
    listed = f"{images}/nothing.png\n{images}/1.png\n{images}/labels.txt\n"
    done = run("--job-dir", model, stdin=listed)
    assert done.returncode == 1
    assert paths(done) == [f"{images}/1.png"]
    assert f"aocr predict: {images}/nothing.png: no such file" in errors(done)
    assert any(line.startswith(f"aocr predict: {images}/labels.txt: not an image") for line in errors(done))
    assert errors(done)[-1] == "aocr: 2 of 3 images could not be read"


@pytest.mark.slow
def test_an_image_without_ink_is_told_of(model, images):
    with Image.open(images / "1.png") as plain:
        plain.paste(255, (5, 5, 20, 20))
        plain.save(images / "1.png")
    done = run(f"{images}/1.png", f"{images}/2.PNG", "--model-dir", model)
    assert done.returncode == 0 and len(paths(done)) == 2
    told = [line for line in done.stderr.splitlines() if "warning" in line]
    assert told == [f"aocr predict: {images}/2.PNG: warning: uniform image: no ink to be seen"]


@pytest.mark.slow
def test_json_lines_and_names_that_are_not_utf8(model, images):
    odd = images / os.fsdecode(b"b\xff.png")
    (images / "1.png").rename(odd)
    done = run("--json", "--model-dir", model, stdin=os.fsencode(odd))
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert list(answer) == ["path", "text", "probability", "symbols", "symbol_probabilities"]
    assert answer["path"] == str(odd)
    assert "".join(answer["symbols"]) == answer["text"]
    assert len(answer["symbol_probabilities"]) - len(answer["symbols"]) in (0, 1)


@pytest.mark.slow
def test_a_single_path_is_answered_at_once(model, images):
    with subprocess.Popen(
        [*PREDICT, "--model-dir", model], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        for name in ("1.png", "2.PNG"):
            process.stdin.write(f"{images}/{name}\n")
            assert process.stdout.readline().startswith(f"{images}/{name}\t")
        process.stdin.close()
        assert process.wait(60) == 0


def test_mistakes(model, images, tmp_path):
    def mistake(*arguments: str) -> BaseException:
        return CliRunner().invoke(command, arguments).exception

    assert isinstance(mistake(str(images), "--model-dir", str(tmp_path)), AocrError)
    contradiction = mistake(str(images), "--model-dir", model, "--max-width", "500")
    assert isinstance(contradiction, UsageError)
    assert str(contradiction).startswith("--max-width 500")
    nothing = mistake(str(tmp_path), "--model-dir", model)
    assert isinstance(nothing, UsageError)
    assert str(nothing).startswith(f"no images in {tmp_path} (.bmp, ")


@pytest.mark.slow
def test_a_server_reads_without_tensorflow(images, tmp_path, place, running):
    place(tmp_path / "1")
    odd = images / os.fsdecode(b"b\xff.png")
    (images / "1.png").rename(odd)
    # A TensorFlow that cannot be imported stands before the real one.
    (tmp_path / "tensorflow.py").write_text("raise AssertionError('not needed')")
    environment = {"PYTHONPATH": str(tmp_path), "AOCR_TOKEN": "not-asked-for"}
    with running(tmp_path, model_name="words") as server:
        root = server.url.removesuffix("/v1/models/words")
        done = run(str(images), f"{images}/labels.txt", "--server", root, **environment)
        assert done.returncode == 1
        expected = zip((images / "2.PNG", images / "3.jpg", odd), WHITE, strict=True)
        assert done.stdout == "".join(f"{path}\t60x30\t{probability}\n" for path, probability in expected)
        assert errors(done)[0].startswith(f"aocr predict: {images}/labels.txt: not an image")
        assert errors(done)[1:] == ["aocr: 1 of 4 images could not be read"]
        done = run("--json", "--server", f"{server.url}:predict", stdin=os.fsencode(odd), **environment)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == {
            "path": str(odd),
            "text": "60x30",
            "probability": 0.0,
            "symbols": list("60x30"),
            "symbol_probabilities": [0.0] * 5,
        }
        done = run(str(odd), "--server", root, "--model-name", "other", **environment)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == (
            f"aocr: {root}/v1/models/other: Servable not found for request: Latest(other) (HTTP 404);"
            " the server has words\n"
        )
    done = run(str(odd), "--server", server.url, **environment)
    assert done.returncode == 1
    assert done.stderr == f"aocr: cannot reach {server.url}:predict: Connection refused\n"


@pytest.mark.slow
@pytest.mark.parametrize("where", ["here", "by a server"])
def test_what_the_reader_does_not_take_is_named_and_the_rest_is_read(images, tmp_path, place, running, model, where):
    with Image.open(images / "1.png") as image:
        image.resize((4000, 3000)).save(images / "2.PNG")
    (images / "3.jpg").write_bytes(b"\xff\xd8 no more")
    listed = "".join(f"{images}/{name}\n" for name in ("1.png", "2.PNG", "3.jpg", "1.png"))
    place(tmp_path / "base" / "1")
    with running(tmp_path / "base") as server:
        done = run(*(["--model-dir", model] if where == "here" else ["--server", server.url]), stdin=listed)
    assert done.returncode == 1
    named = [line for line in errors(done) if line.startswith("aocr predict:")]
    assert any(line.startswith(f"aocr predict: {images}/3.jpg: ") for line in named)
    if where == "here":  # it has no limit but that of memory
        assert paths(done) == [f"{images}/1.png", f"{images}/2.PNG", f"{images}/1.png"] and len(named) == 1
    else:
        assert paths(done) == [f"{images}/1.png"] * 2 and len(named) == 2
        assert named[0].startswith(f"aocr predict: {images}/2.PNG: image too large")
        assert done.stderr.splitlines()[-1] == "aocr: 2 of 4 images could not be read"


@pytest.mark.slow
def test_a_single_path_is_answered_at_once_by_a_server_too(images, tmp_path, place, running):
    place(tmp_path / "1")
    with (
        running(tmp_path) as server,
        subprocess.Popen(
            [*PREDICT, "--server", server.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        ) as process,
    ):
        for name in ("1.png", "2.PNG"):
            process.stdin.write(f"{images}/{name}\n")
            assert process.stdout.readline().startswith(f"{images}/{name}\t60x30\t")
        process.stdin.close()
        assert process.wait(60) == 0


def test_what_cannot_be_asked_of_a_server(images):
    def mistake(*arguments: str) -> str:
        error = CliRunner().invoke(command, [str(images), *arguments]).exception
        assert isinstance(error, UsageError)
        return str(error)

    server = ("--server", "http://127.0.0.1:1")
    assert mistake(*server, "--model-dir", "checkpoints").startswith("--model-dir is about a model on this machine")
    assert mistake(*server, "--decoder", "ctc").startswith("--decoder is about a model on this machine")
    assert mistake(*server, "--no-color").startswith("--no-color is about a model on this machine")
    assert mistake("--server", "127.0.0.1:9001").startswith("127.0.0.1:9001 is no address of a server: write http://")
    assert mistake("--model-name", "words").startswith("--model-name chooses among a server's models")


def test_fields_stay_on_their_line_and_in_their_column():
    line = _line("a\tb.png", Reading("x\ty\nz \\frac", 0.98765), as_json=False)
    assert line == "a\\tb.png\tx\\ty\\nz \\frac\t0.9877\n"
