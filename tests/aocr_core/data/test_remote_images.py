"""A long annotation file whose images lie in a bucket: fetched ahead, many at a time, and never all at once."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aocr_core import gcs_calls, storage
from aocr_core.config import DataOptions, PrepareOptions
from aocr_core.data import check
from aocr_core.data.check import Accepted, checked_rows
from aocr_core.errors import AocrError
from tests.aocr_core.faulty_bucket import FaultyBucket, running

ROWS = 300
AHEAD = check._BATCH * (2 * check._REMOTE_WORKERS + 2)
"""Rows that may have been fetched and not yet been taken."""


@pytest.fixture
def faulty(bucket: str, emulator: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyBucket]:
    with running(emulator.address) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        monkeypatch.setattr(gcs_calls, "FIRST_DELAY", 0.02)
        yield server


@pytest.fixture
def rows(faulty: FaultyBucket, tmp_path: Path, word_image: Callable[..., bytes]) -> Iterator[Any]:
    """The rows of a local file that names ten images in the bucket again and again."""
    for number in range(10):
        storage.write_bytes(f"gs://words/{number}.png", word_image(str(number)))
    file = tmp_path / "annotations.txt"
    file.write_text("".join(f"gs://words/{number % 10}.png {number}\n" for number in range(ROWS)))
    return checked_rows(str(file), PrepareOptions(), DataOptions())


def test_images_are_fetched_ahead_many_at_a_time_and_in_order(faulty: FaultyBucket, rows):
    faulty.heal()
    faulty.gather("read", check._REMOTE_WORKERS)
    first = next(rows)
    assert isinstance(first, Accepted) and first.record.label == "0"
    assert faulty.calls["read"] <= AHEAD < ROWS / 2
    assert [row.record.label for row in rows] == [str(number) for number in range(1, ROWS)]
    assert faulty.calls["read"] == ROWS
    assert faulty.meeting is None and faulty.most_under_way == check._REMOTE_WORKERS


def test_predict_fetches_a_batch_at_a_time(faulty: FaultyBucket, rows):
    from aocr_core.cli.predict import _looked_at

    faulty.heal()
    faulty.gather("read", 16)
    paths = [f"gs://words/{number % 10}.png" for number in range(48)]
    looked = _looked_at([*paths, "gs://words/missing.png"])
    assert [image.data for image in looked[:48]] == [storage.read_bytes(path) for path in paths]
    assert isinstance(looked[48], storage.MissingError)
    assert faulty.meeting is None and faulty.most_under_way == 16


def test_whoever_stops_early_does_not_fetch_the_rest(faulty: FaultyBucket, rows):
    faulty.heal()
    next(rows)
    rows.close()
    assert faulty.calls["read"] <= AHEAD


def test_a_bucket_that_stutters_loses_no_row(faulty: FaultyBucket, rows):
    faulty.fail("read", "reset", times=20)
    assert [row.record.label for row in rows] == [str(number) for number in range(ROWS)]
    assert faulty.faults["reset"] == 20


def test_a_bucket_that_fails_ends_the_run_in_one_line(faulty: FaultyBucket, rows, monkeypatch):
    monkeypatch.setattr(gcs_calls, "PATIENCE", 0.3)
    faulty.fail("read", "503", only="7.png")
    with pytest.raises(AocrError, match=r"^Cloud Storage, gs://words/7.png: [^\n]*$"):
        list(rows)
