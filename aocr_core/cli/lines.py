"""Paths that arrive on standard input, in batches as large as what is already waiting."""

import os
from collections.abc import Iterator

CHUNK_BYTES = 65536


def waiting(descriptor: int, most: int) -> Iterator[list[str]]:
    """Batches of at most `most` lines. Blocks for the first line of a batch, never to make a batch fuller.

    Somebody who types one line gets it at once; a pipe that is full is read in full batches. Empty lines are left out.
    """
    rest = b""
    while chunk := os.read(descriptor, CHUNK_BYTES):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from _batches(lines, most)
    yield from _batches([rest], most)


def _batches(lines: list[bytes], most: int) -> Iterator[list[str]]:
    texts = [os.fsdecode(text) for line in lines if (text := line.removesuffix(b"\r"))]
    for start in range(0, len(texts), most):
        yield texts[start : start + most]
