"""Training: one loop for every device, resumable, judged on validation as it goes."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aocr_core.training.run import TrainResult, train

__all__ = ["TrainResult", "train"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from aocr_core.training import run

        return getattr(run, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
