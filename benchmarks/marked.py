"""Copies of an export that read the same images as other texts, so that the answers tell which copy gave them."""

import json
import shutil
from pathlib import Path

from tensorflow.core.protobuf import saved_model_pb2

from aocr_core import exports, smoke
from aocr_core.charset import FIRST_SYMBOL, Charset
from aocr_core.model_dir import CONFIG


class Marked:
    """Copies of one export: copy `n` writes the symbol that stands `n` places further in the charset.

    Args:
        export: Folder of the version.
    """

    def __init__(self, export: Path) -> None:
        self._export = export
        self._charset = Charset.model_validate(json.loads((export / "assets" / CONFIG).read_text())["charset"])

    def write(self, number: int, folder: Path) -> None:
        """Write a copy; it appears whole."""
        hidden = folder.with_name(f".{folder.name}")
        shutil.copytree(self._export, hidden)
        graph = hidden / exports.GRAPH_FILE
        saved = saved_model_pb2.SavedModel.FromString(graph.read_bytes())
        symbols = [symbol.encode() for symbol in ("",) * FIRST_SYMBOL + self._charset.symbols]
        (values,) = [
            values
            for node in saved.meta_graphs[0].graph_def.node
            if (values := node.attr["value"].tensor.string_val)[:] == symbols
        ]
        values[FIRST_SYMBOL:] = [symbol.encode() for symbol in self._moved(number)]
        graph.write_bytes(saved.SerializeToString())
        if (hidden / smoke.FILE).is_file():
            smoke.write(hidden, [one._replace(text=self.text(one.text, number)) for one in smoke.read(str(hidden))])
        hidden.rename(folder)

    def text(self, text: str, number: int) -> str:
        """What a copy writes where the export itself writes `text`."""
        moved = dict(zip(self._charset.symbols, self._moved(number), strict=True))
        return self._charset.join([moved[symbol] for symbol in self._charset.split(text)])

    def _moved(self, number: int) -> tuple[str, ...]:
        by = number % len(self._charset)
        return self._charset.symbols[by:] + self._charset.symbols[:by]
