import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from aocr_core import storage
from aocr_core.config import DataOptions, PrepareOptions
from aocr_core.data import build, info, records
from aocr_core.data.build import BuildReport, build_dataset, survey
from aocr_core.errors import AocrError, UsageError


@pytest.fixture
def annotations(tmp_path: Path, word_image: Callable[..., bytes]) -> Path:
    """Four good rows and a bad one."""
    rows = []
    for word in ("one", "two", "three", "four"):
        (tmp_path / f"{word}.png").write_bytes(word_image(word))
        rows.append(f"{word}.png {word}\n")
    path = tmp_path / "annotations.txt"
    path.write_text("".join([*rows, "five.png five\n"]))
    return path


def built(annotations: Path, output: str | Path, **options: object) -> BuildReport:
    return build_dataset(str(annotations), str(output), PrepareOptions(**options), DataOptions())


def labels(dataset: str | Path) -> list[str]:
    return [record.label for record in records.read(records.files(str(dataset)))]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_single_file_as_the_original_writes_it(annotations: Path, tmp_path: Path):
    report = built(annotations, tmp_path / "out" / "data.tfrecords")
    assert names(tmp_path / "out") == ["data.tfrecords", "data.tfrecords.json", "data.tfrecords.rejected.tsv"]
    assert labels(tmp_path / "out" / "data.tfrecords") == ["one", "two", "three", "four"]
    assert (report.read, report.accepted) == (5, 4)
    assert info.load(str(tmp_path / "out" / "data.tfrecords")) == report.info


def test_a_folder_of_shards(annotations: Path, tmp_path: Path):
    report = built(annotations, tmp_path / "data", shards=2, save_filename=True)
    assert names(tmp_path / "data") == [
        "dataset.json",
        "part-00000-of-00002.tfrecords",
        "part-00001-of-00002.tfrecords",
        "rejected.tsv",
    ]
    assert labels(tmp_path / "data") == ["one", "three", "two", "four"]
    assert (tmp_path / "data" / "rejected.tsv").read_text() == "line\tpath\treason\n5\tfive.png\tno such file\n"
    assert info.load(str(tmp_path / "data")) == report.info
    assert next(records.read(records.files(str(tmp_path / "data")))).comment == "one.png"


def test_the_same_data_has_the_same_fingerprint_in_either_form(annotations: Path, tmp_path: Path):
    single, folder = built(annotations, tmp_path / "a.tfrecords"), built(annotations, tmp_path / "b")
    assert (
        single.info.fingerprint == folder.info.fingerprint == info.scan(records.files(str(tmp_path / "b"))).fingerprint
    )


def test_to_and_from_a_bucket(annotations: Path, tmp_path: Path, bucket: str):
    for path in tmp_path.glob("*.*"):
        storage.write_bytes(f"{bucket}/set/{path.name}", path.read_bytes())
    report = build_dataset(f"{bucket}/set/annotations.txt", f"{bucket}/data", PrepareOptions(), DataOptions())
    assert storage.entries(f"{bucket}/data") == ["dataset.json", "part-00000-of-00001.tfrecords", "rejected.tsv"]
    assert labels(f"{bucket}/data") == ["one", "two", "three", "four"]
    assert info.load(f"{bucket}/data") == report.info


def test_strict_leaves_nothing_and_keeps_what_was_there(annotations: Path, tmp_path: Path):
    built(annotations, tmp_path / "data")
    before = (tmp_path / "data" / "dataset.json").read_bytes()
    annotations.write_text("one.png one\nfive.png five\n")
    for output in ("data", "new", "new.tfrecords"):
        with pytest.raises(AocrError, match=r"1 of 2 rows .* cannot be used \(--strict\): nothing was written"):
            built(annotations, tmp_path / output, strict=True)
    assert (tmp_path / "data" / "dataset.json").read_bytes() == before
    assert not [name for name in names(tmp_path) if "new" in name or name.startswith(".")]


@pytest.mark.parametrize(("content", "reason"), [("x.png x\ny.png y\n", "2 no such file"), ("\n", "it has no rows")])
def test_nothing_left_is_an_error(annotations: Path, tmp_path: Path, content: str, reason: str):
    annotations.write_text(content)
    with pytest.raises(AocrError, match=f"no row of .*annotations.txt can be used: {reason}"):
        built(annotations, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_the_folder_of_the_images_is_not_replaced(annotations: Path):
    with pytest.raises(UsageError, match="holds other things"):
        built(annotations, annotations.parent)
    assert annotations.is_file()


def test_copies_and_contradictions_are_counted(annotations: Path, tmp_path: Path):
    annotations.write_text("one.png one\ntwo.png two\none.png one\none.png uno\none.png one\n")
    report = built(annotations, tmp_path / "data")
    assert report.info.warnings == {build.DUPLICATE: 2, build.CONTRADICTION: 1}
    assert report.lines == {build.DUPLICATE: (3, 5), build.CONTRADICTION: (4,)}
    assert report.accepted == 5


def test_rejections_are_logged_up_to_a_limit(annotations: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    annotations.write_text("one.png one\n" + "".join(f"no{number}.png x\n" for number in range(60)))
    with caplog.at_level(logging.INFO, logger="aocr_core"):
        report = built(annotations, tmp_path / "data", log_step=30)
    warned = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert warned[0] == "line 2: no0.png: no such file" and warned[-1] == "… and 10 more" and len(warned) == 51
    assert [r.message for r in caplog.records if r.levelno == logging.INFO] == ["30 rows checked", "60 rows checked"]
    assert "    60  rejected: no such file (lines 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, …)" in str(report).splitlines()


def test_survey_writes_nothing(annotations: Path, tmp_path: Path):
    before = names(tmp_path)
    report = survey(str(annotations), PrepareOptions(), DataOptions())
    assert (report.read, report.accepted) == (5, 4) and names(tmp_path) == before


def test_the_bytes_of_plain_images_are_not_touched(annotations: Path, tmp_path: Path):
    built(annotations, tmp_path / "data")
    first = next(records.read(records.files(str(tmp_path / "data"))))
    assert first.image == (tmp_path / "one.png").read_bytes()
    assert (first.width, first.height) == (96, 32)
