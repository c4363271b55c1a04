"""ONNX: one file for ONNX Runtime, in whatever language, and for what else reads the format."""

from pathlib import Path

import tf2onnx

from aocr_core import logs
from aocr_core.export import portable
from aocr_core.export.signatures import ReadingGraph

FILE = "model.onnx"
OPSET = 18
"""Of operations; ONNX Runtime knows this one since 1.14, of February 2023."""


def write(graph: ReadingGraph, directory: Path) -> None:
    """Write `model.onnx`, `model.json` and `read.py` into a folder. Any number of images at a time, of any width."""
    read = portable.function(graph, batch=None)
    with logs.only_errors("tf2onnx"):  # it warns of what it then does
        tf2onnx.convert.from_function(read, read.input_signature, opset=OPSET, output_path=str(directory / FILE))
    portable.write_companions(graph, None, FILE, directory)
