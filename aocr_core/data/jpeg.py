"""The markers of a JPEG, found without decoding it.

Source: ITU-T T.81, https://www.w3.org/Graphics/JPEG/itu-t81.pdf, annex B.
"""

import re
from collections.abc import Iterator

START = b"\xff\xd8"
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""Not what stands within coded pixels: a stuffed byte, a fill byte, or a restart."""
_ALONE = (0x01, 0xD8)
"""Markers that no length follows."""
_END, _SCAN = 0xD9, 0xDA
_FRAMES = range(0xC0, 0xD0)
_NO_FRAMES = (0xC4, 0xC8, 0xCC)
"""Tables, among the markers of frames."""
_USUAL_FRAMES = (0xC0, 0xC1, 0xC2)
"""Sequential and progressive, in Huffman's code."""
_MOST_SCANS = 100
"""Each goes over all pixels, however few bytes it has. Encoders write 10 for a progressive image, tuned ones 20."""
_MOST_SEGMENTS = 2000


def excess(data: bytes) -> str:
    """What there is so much of that decoding would take for ever; empty if nothing."""
    scans = 0
    for segments, marker in enumerate(_markers(data), 1):
        scans += marker == _SCAN
        if scans > _MOST_SCANS:
            return f"more than {_MOST_SCANS} scans"
        if segments > _MOST_SEGMENTS:
            return f"more than {_MOST_SEGMENTS} segments"
    return ""


def is_usual(data: bytes) -> bool:
    """Whether every decoder reads it: a kind of coding that all know, and an end, without which TensorFlow fails."""
    markers = list(_markers(data))
    frames = [marker for marker in markers if marker in _FRAMES and marker not in _NO_FRAMES]
    return len(frames) == 1 and frames[0] in _USUAL_FRAMES and markers[-1] == _END


def _markers(data: bytes) -> Iterator[int]:
    """Their codes in order, to the end of the first picture: others may follow, or a film."""
    place = len(START)
    while found := _MARKER.search(data, place):
        place, marker = found.end(), found.group()[1]
        yield marker
        if marker == _END:
            return
        if marker not in _ALONE:
            place += int.from_bytes(data[place : place + 2], "big")
