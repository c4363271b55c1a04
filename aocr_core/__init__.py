"""Attention OCR: read short text in images with a sliding CNN, a recurrent encoder and an attention decoder.

`Recognizer` is the door for Python programs; the `aocr` command is the door for the shell. Nothing heavy is
imported before it is asked for, so `import aocr_core` costs milliseconds.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aocr_core.reading import Reading
    from aocr_core.recognizer import Recognizer

__version__ = "1.0.0"
__all__ = ["Reading", "Recognizer", "__version__"]


def __getattr__(name: str) -> Any:
    if name == "Recognizer":
        from aocr_core.recognizer import Recognizer

        return Recognizer
    if name == "Reading":
        from aocr_core.reading import Reading

        return Reading
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
