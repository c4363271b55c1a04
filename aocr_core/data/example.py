"""`tf.train.Example` without TensorFlow, whose import costs seconds and half a gigabyte.

The messages are those of tensorflow/core/example/{example,feature}.proto, built at run time with the protobuf
library. A map field is on the wire a repeated message of key and value, and is declared so here.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message, message_factory

_SCHEMA = {
    "name": "aocr/example.proto",
    "package": "aocr",
    "syntax": "proto3",
    "messageType": [
        {"name": "BytesList", "field": [{"name": "value", "number": 1, "label": 3, "type": 12}]},
        {"name": "Int64List", "field": [{"name": "value", "number": 1, "label": 3, "type": 3}]},
        {
            "name": "Feature",
            "field": [
                {"name": "bytes_list", "number": 1, "label": 1, "type": 11, "typeName": ".aocr.BytesList"},
                {"name": "int64_list", "number": 3, "label": 1, "type": 11, "typeName": ".aocr.Int64List"},
            ],
        },
        {
            "name": "Entry",
            "field": [
                {"name": "key", "number": 1, "label": 1, "type": 9},
                {"name": "value", "number": 2, "label": 1, "type": 11, "typeName": ".aocr.Feature"},
            ],
        },
        {
            "name": "Features",
            "field": [{"name": "entry", "number": 1, "label": 3, "type": 11, "typeName": ".aocr.Entry"}],
        },
        {
            "name": "Example",
            "field": [{"name": "features", "number": 1, "label": 1, "type": 11, "typeName": ".aocr.Features"}],
        },
    ],
}


@cache
def _example() -> type[Any]:
    # A pool of our own: nothing here can collide with TensorFlow's descriptors in the same process.
    pool = descriptor_pool.DescriptorPool()
    pool.Add(json_format.ParseDict(_SCHEMA, descriptor_pb2.FileDescriptorProto()))
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("aocr.Example"))


def encode(features: Mapping[str, bytes | int]) -> bytes:
    """A serialised Example with one value for each feature."""
    example = _example()()
    for name, value in features.items():
        entry = example.features.entry.add(key=name)
        if isinstance(value, bytes):
            entry.value.bytes_list.value.append(value)
        else:
            entry.value.int64_list.value.append(value)
    return example.SerializeToString()


def decode(data: bytes) -> dict[str, bytes | int]:
    """The first value of each feature of a serialised Example; empty and float features are left out.

    Raises:
        ValueError: not a serialised Example.
    """
    try:
        example = _example().FromString(data)
    except message.DecodeError as error:
        raise ValueError(str(error)) from error
    found: dict[str, bytes | int] = {}
    for entry in example.features.entry:
        values = entry.value.bytes_list.value or entry.value.int64_list.value
        if values:
            found[entry.key] = values[0]
    return found
