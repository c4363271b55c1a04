"""In which precision a server reads, over real sockets."""

import logging
import shutil
from pathlib import Path

import pytest
import tensorflow as tf

from aocr_core import precision, smoke
from aocr_core.config import ServeOptions
from aocr_core.errors import AocrError
from aocr_core.serving import model
from aocr_core.serving import server as server_module
from tests.aocr_core.serving import particular_export, tiny_export
from tests.aocr_core.serving.test_server import b64, call


def test_the_precision_that_is_asked_for_is_used_and_told(tmp_path, place, running, caplog):
    place(tmp_path / "1", "w")
    caplog.set_level(logging.INFO, "aocr_core")
    try:
        with running(tmp_path, precision="bfloat16") as server:
            assert call(f"{server.url}:predict", {"instances": [b64(tiny_export.png(40))]})[0] == 200
        assert "read in bfloat16" in caplog.text
        assert tf.config.optimizer.get_experimental_options()["auto_mixed_precision_onednn_bfloat16"]
    finally:
        precision.read_in("float32")


def test_what_does_not_read_right_in_bfloat16_is_read_in_float32(tmp_path, running, caplog, eventually):
    """Whatever the version before was read in, and the one after is."""
    coarse, fine = particular_export.write(tmp_path / "coarse"), particular_export.write(tmp_path / "fine")
    image = tiny_export.png(40)
    smoke.write(fine, [smoke.Known(image, "fine", 1.0)])

    def text() -> str:
        status, answer = call(f"{server.url}:predict", {"instances": [b64(image)]})
        assert status == 200
        return answer["predictions"][0]["output"]

    def take(folder: Path, version: int) -> None:
        shutil.copytree(folder, tmp_path / "base" / f".{version}")
        (tmp_path / "base" / f".{version}").rename(tmp_path / "base" / str(version))

    take(coarse, 1)
    try:
        with running(tmp_path / "base", precision="bfloat16") as server:
            if text() == "fine":
                pytest.skip("this processor computes nothing in bfloat16")
            for version, folder in ((2, fine), (3, coarse)):
                take(folder, version)
                eventually(lambda version=version: server.models.find("aocr").current.version == version)
                assert text() == folder.name
        assert f"{tmp_path / 'base' / '2'}: not to be read in bfloat16, but in float32: cannot load" in caplog.text
    finally:
        precision.read_in("float32")


@pytest.mark.parametrize(
    ("wanted", "refusing", "tried"),
    [
        ("float32", (), ["float32"]),
        ("bfloat16", (), ["bfloat16"]),
        ("bfloat16", ("bfloat16",), ["bfloat16", "float32"]),
    ],
)
def test_a_version_is_loaded_in_the_precision_wanted_or_else_in_float32(monkeypatch, caplog, wanted, refusing, tried):
    asked = []

    def load(folder: Path, batch: int, precision: str = "float32") -> str:
        asked.append(precision)
        if precision in refusing:
            raise AocrError("it reads 'l' where it read 'I'")
        return precision

    monkeypatch.setattr(model, "load", load)
    assert server_module._load(ServeOptions(precision=wanted), Path("base/7")) == tried[-1]
    assert asked == tried
    told = "base/7: not to be read in bfloat16, but in float32: it reads 'l' where it read 'I'"
    assert (told in caplog.text) == bool(refusing)
