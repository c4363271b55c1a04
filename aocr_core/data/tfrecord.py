"""The framing of TFRecord files: length, checksum of the length, payload, checksum of the payload.

Format: https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details. Written here rather than
with `tf.io`, so that building and describing a data set does not load TensorFlow.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from aocr_core.data.crc32c import crc32c
from aocr_core.errors import AocrError

_LENGTH = struct.Struct("<Q")
_CHECKSUM = struct.Struct("<I")
_HEADER = _LENGTH.size + _CHECKSUM.size


def write(file: BinaryIO, payload: bytes) -> int:
    """Append one record; returns the bytes it takes in the file."""
    length = _LENGTH.pack(len(payload))
    file.write(b"".join((length, _masked(length), payload, _masked(payload))))
    return _HEADER + len(payload) + _CHECKSUM.size


def read(file: Path, name: str) -> Iterator[bytes]:
    """The payloads of a file, every checksum tested. `name` is what errors call the file.

    Raises:
        AocrError: not a TFRecord file, or a damaged one; the message says where.
    """
    with file.open("rb") as stream:
        number = 0
        while header := stream.read(_HEADER):
            number += 1
            length, checksum = header[: _LENGTH.size], header[_LENGTH.size :]
            if _masked(length) != checksum:
                if number == 1:
                    raise AocrError(f"{name} is not a TFRecord file (or a compressed one, which is not supported)")
                raise AocrError(_damaged(name, number, "its length is wrong"))
            size = _LENGTH.unpack(length)[0]
            payload = stream.read(size)
            checksum = stream.read(_CHECKSUM.size)
            if len(payload) < size or len(checksum) < _CHECKSUM.size:
                raise AocrError(_damaged(name, number, "the file ends in the middle of it"))
            if _masked(payload) != checksum:
                raise AocrError(_damaged(name, number, "its checksum is wrong"))
            yield payload


def _damaged(name: str, number: int, problem: str) -> str:
    return f"{name} is damaged at record {number}: {problem}; build the data set again"


def _masked(data: bytes) -> bytes:
    """The checksum in TensorFlow's disguise, which keeps a CRC of data that holds CRCs from going wrong."""
    value = crc32c(data)
    return _CHECKSUM.pack(((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF)
