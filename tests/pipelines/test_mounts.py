"""What containers are shown of this machine."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aocr_core.errors import UsageError
from pipelines import mounts

PATHS = st.lists(st.sampled_from("abc"), min_size=1, max_size=5).map(lambda parts: Path("/", *parts))


def test_images_are_found_where_the_builder_finds_them(tmp_path: Path, monkeypatch):
    for name in ("beside/images/a.png", "beside/alone.png", "work/here/b.png", "away/c.png", "away/deep/d.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "e.png").touch()
    (tmp_path / "beside" / "images" / "e.png").symlink_to(tmp_path / "store" / "e.png")
    monkeypatch.chdir(tmp_path / "work")
    rows = ["images/a.png", "here/b.png", str(tmp_path / "away/c.png"), str(tmp_path / "away/deep/d.png")]
    rows += ["images/e.png", "missing/f.png"]
    (tmp_path / "beside" / "rows.txt").write_text("".join(f"{path} word\n" for path in rows))
    (tmp_path / "charset").write_text("abc")
    (tmp_path / "export").mkdir()
    arguments = {
        "annotations": "../beside/rows.txt",
        "charset": "../charset",
        "serving_export": str(tmp_path / "export"),
    }
    expected = ["away", "beside/images", "beside/rows.txt", "charset", "export", "store", "work/here"]
    assert mounts.needed(arguments | {"test_annotations": ""}) == [str(tmp_path / name) for name in expected]
    # A name, not a file.
    assert mounts.needed({"charset": "alphanumeric", "serving_export": ""}) == []


@pytest.mark.parametrize("name", ["annotations", "test_annotations", "serving_export"])
def test_buckets_are_out_of_reach(name: str):
    with pytest.raises(UsageError, match=f"--{name.replace('_', '-')}: gs://bucket/it: .*leave --image out"):
        mounts.needed({name: "gs://bucket/it"})


def test_an_image_in_a_bucket_is_out_of_reach(tmp_path: Path):
    (tmp_path / "rows.txt").write_text("\ngs://bucket/a.png word\n")
    with pytest.raises(UsageError, match=r"rows.txt, line 2: gs://bucket/a.png: steps in containers"):
        mounts.needed({"annotations": str(tmp_path / "rows.txt")})


@given(st.lists(PATHS, max_size=30), st.integers(1, 6))
def test_few_places_cover_all(places: list[Path], most: int):
    found = mounts.few(places, most)
    assert len(found) <= most
    assert all(any(place.is_relative_to(cover) for cover in found) for place in places)
    assert not any(one != other and one.is_relative_to(other) for one in found for other in found)
    if len(mounts.few(places, 1000)) <= most:
        assert set(found) <= set(places)
