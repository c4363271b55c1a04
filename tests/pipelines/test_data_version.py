import os
from pathlib import Path

import pytest

from aocr_core.errors import AocrError
from pipelines.data_version import fingerprint


@pytest.fixture
def annotations(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    for name in "ab":
        (tmp_path / "images" / f"{name}.png").write_bytes(b"image")
    path = tmp_path / "annotations.txt"
    path.write_text("images/a.png one\nimages/b.png two\n")
    return path


def test_the_same_data_has_the_same_version(annotations: Path):
    assert fingerprint([str(annotations)]) == fingerprint([str(annotations)], "ascii")


def test_any_change_is_seen(annotations: Path):
    seen = {fingerprint([str(annotations)])}
    (annotations.parent / "images" / "a.png").write_bytes(b"another image")
    seen.add(fingerprint([str(annotations)]))
    os.utime(annotations.parent / "images" / "b.png", (1, 1))
    seen.add(fingerprint([str(annotations)]))
    (annotations.parent / "images" / "b.png").unlink()
    seen.add(fingerprint([str(annotations)]))
    annotations.write_text("images/a.png one\nimages/b.png TWO\n")
    seen.add(fingerprint([str(annotations)]))
    seen.add(fingerprint([str(annotations)] * 2))
    charset = annotations.parent / "charset.txt"
    for symbols in ("a\nb\n", "a\nc\n"):
        charset.write_text(symbols)
        seen.add(fingerprint([str(annotations)], str(charset)))
    assert len(seen) == 8


def test_a_missing_annotation_file_is_named(tmp_path: Path):
    with pytest.raises(AocrError, match=r"no\.txt"):
        fingerprint([str(tmp_path / "no.txt")])
