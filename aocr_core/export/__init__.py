"""Exports for TensorFlow, LiteRT and ONNX Runtime; each is verified before it is accepted."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aocr_core.export.run import export

__all__ = ["export"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from aocr_core.export import run

        return run.export
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
