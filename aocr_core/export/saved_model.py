"""SavedModel: the form that TF Serving, `aocr serve` and `tf.saved_model.load` read."""

from pathlib import Path

import tensorflow as tf

from aocr_core import model_dir
from aocr_core.export.signatures import ReadingGraph

CHARSET_ASSET = "charset.txt"


def write(graph: ReadingGraph, directory: Path) -> None:
    """Write a SavedModel with the signatures `serving_default` and `details`, and `config.json` and charset as assets.

    Args:
        graph: What to export.
        directory: An empty folder, or none yet.
    """
    assets = directory.with_name(directory.name + ".assets")
    assets.mkdir(parents=True)
    config, charset = assets / model_dir.CONFIG, assets / CHARSET_ASSET
    config.write_text(graph.config.model_dump_json(indent=1), encoding="utf-8")
    charset.write_text("\n".join(graph.config.charset.symbols) + "\n", encoding="utf-8")
    exported = _Exported(graph, [config, charset])
    tf.saved_model.save(exported, str(directory), signatures=graph.signatures())
    for file in (config, charset):
        file.unlink()
    assets.rmdir()


class _Exported(tf.Module):
    """What the signatures need, under one root, as `tf.saved_model.save` wants it."""

    def __init__(self, graph: ReadingGraph, files: list[Path]) -> None:
        super().__init__()
        # Not the layers: they would be saved with signatures of their own, which Keras cannot make for this model.
        self.weights = [variable.value for variable in graph.model.variables]
        self.files = [tf.saved_model.Asset(str(file)) for file in files]
