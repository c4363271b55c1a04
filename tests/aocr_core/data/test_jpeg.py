import io

import numpy as np
import pytest
from PIL import Image

from aocr_core.data import jpeg
from aocr_core.data.images import ImageError, plain
from tests.aocr_core.data.test_images import decoded, encoded, half_black, tensorflow_sees

END = b"\xff\xd9"


def progressive() -> bytes:
    noise = np.random.default_rng(1).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    return encoded(Image.fromarray(noise), "JPEG", progressive=True, quality=90)


def with_scans(count: int) -> bytes:
    """Its last scan again and again: a few bytes each, over all pixels."""
    data = encoded(half_black(), "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -len(END)]
    return data[: -len(END)] + last * count + END


def segment(code: int, content: bytes) -> bytes:
    return bytes([0xFF, code]) + (len(content) + 2).to_bytes(2, "big") + content


def test_a_small_file_of_countless_scans_is_refused_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("opened"))
    with pytest.raises(ImageError, match="damaged image: more than 100 scans"):
        plain(with_scans(200))


def test_a_file_of_countless_segments_is_refused():
    data = encoded(half_black(), "JPEG")
    with pytest.raises(ImageError, match="damaged image: more than 2000 segments"):
        plain(data[:2] + segment(0xFE, b"") * 3000 + data[2:])


def test_the_scans_that_encoders_write_are_no_reason_to_refuse():
    data = progressive()
    assert data.count(b"\xff\xda") > 5
    assert plain(data).data is data
    assert plain(with_scans(20)).width == 40


def test_what_looks_like_a_scan_within_a_segment_or_behind_the_end_is_none():
    data = encoded(half_black(), "JPEG")
    comment = segment(0xFE, b"\xff\xda" * 1000)
    busy = data[:2] + comment + data[2:] + b"\xff\xda" * 1000
    assert plain(busy).data is busy


def test_restarts_and_filled_bytes_among_the_pixels_are_passed_over():
    data = encoded(Image.effect_noise((600, 400), 90), "JPEG", quality=95, restart_marker_blocks=1)
    assert data.count(b"\xff\xd3") > 100 and b"\xff\x00" in data
    assert jpeg.excess(data) == ""
    assert plain(data).data is data


def coded(code: int) -> bytes:
    """It says that it is coded in another way."""
    odd = encoded(half_black(), "JPEG").replace(b"\xff\xc0", bytes([0xFF, code]), 1)
    assert not jpeg.is_usual(odd)
    return odd


def test_an_arithmetic_coding_is_rewritten():
    result = plain(coded(0xC9))
    assert Image.open(io.BytesIO(result.data)).format == "PNG"
    assert tensorflow_sees(result.data, 1).shape == (20, 40, 1)


@pytest.mark.parametrize("code", [0xC3, 0xC5], ids=["lossless", "hierarchical"])
def test_a_coding_that_nobody_reads_is_refused(code: int):
    with pytest.raises(ImageError, match="damaged image"):
        plain(coded(code))


def test_without_an_end_it_is_read_and_given_one():
    data = encoded(Image.linear_gradient("L").resize((90, 32)), "JPEG", restart_marker_blocks=8)
    result = plain(data[: -len(END)])
    assert (tensorflow_sees(result.data, 1)[..., 0] == decoded(data)).all()
