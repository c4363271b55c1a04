"""SavedModel: the form that TF Serving, `aocr serve` and `tf.saved_model.load` read."""

import shutil
from pathlib import Path

import tensorflow as tf

from aocr_core import model_dir
from aocr_core.export.signatures import ReadingGraph

CHARSET_ASSET = "charset.txt"
READING_ASSET = "reading.json"


def write(graph: ReadingGraph, directory: Path) -> None:
    """Write a SavedModel with the signatures `serving_default` and `details`, and `config.json`, the
    charset and how it was told to read as assets.

    Args:
        graph: What to export.
        directory: An empty folder, or none yet.
    """
    assets = directory.with_name(directory.name + ".assets")
    assets.mkdir(parents=True)
    contents = {
        model_dir.CONFIG: graph.config.model_dump_json(indent=1),
        CHARSET_ASSET: "\n".join(graph.config.charset.symbols) + "\n",
        READING_ASSET: graph.resolved_reading().model_dump_json(indent=1),
    }
    files = [assets / name for name in contents]
    for file, text in zip(files, contents.values(), strict=True):
        file.write_text(text, encoding="utf-8")
    exported = _Exported(graph, files)
    tf.saved_model.save(exported, str(directory), signatures=graph.signatures())
    shutil.rmtree(assets)


class _Exported(tf.Module):
    """What the signatures need, under one root, as `tf.saved_model.save` wants it."""

    def __init__(self, graph: ReadingGraph, files: list[Path]) -> None:
        super().__init__()
        # Not the layers: they would be saved with signatures of their own, which Keras cannot make for this model.
        self.weights = [variable.value for variable in graph.model.variables]
        self.files = [tf.saved_model.Asset(str(file)) for file in files]
