"""The files that an evaluation leaves behind: tables, figures, pictures, the report."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aocr_core import storage
from aocr_core.display import file_name
from aocr_core.evaluation import attention, predictions, report
from aocr_core.evaluation.gallery import Exhibit
from aocr_core.evaluation.results import Evaluation, Row

if TYPE_CHECKING:
    from aocr_core.reading import Reading


class Animations:
    """Folders `predict-TEXT/` with the animated attention (`image.gif`) and the texts (`word.txt`), as in aocr 0.7.6.

    There they always went to `./out`; here they go to the output folder that was asked for. A text that was read
    before gets a number: `predict-TEXT-2`.
    """

    def __init__(self, output_dir: str) -> None:
        self._output_dir = output_dir
        # As some file systems take names, which do not tell A from a.
        self._taken: set[str] = set()
        self._again: Counter[str] = Counter()

    def add(self, row: Row, image: bytes, reading: "Reading") -> None:
        """Write the folder of one image."""
        folder = storage.join(self._output_dir, self._free_name(f"predict-{file_name(row.text)}"))
        storage.write_bytes(storage.join(folder, "image.gif"), attention.animation(image, reading))
        storage.write_bytes(storage.join(folder, "word.txt"), f"{row.text}\n{row.truth}".encode())

    def _free_name(self, name: str) -> str:
        key, free = name.casefold(), name
        while free.casefold() in self._taken:
            self._again[key] += 1
            free = f"{name}-{self._again[key] + 1}"
        self._taken.add(free.casefold())
        return free


def publish(
    output_dir: str,
    evaluation: Evaluation,
    mistakes: Sequence[tuple[Exhibit, "Reading"]],
    right: Sequence[tuple[Exhibit, "Reading"]],
    config: Mapping[str, Any],
) -> None:
    """Write `attention/*.png`, `predictions.tsv`, `report.html` and, last, `metrics.json`.

    Args:
        output_dir: a folder, local or `gs://…`; other files in it stay.
        evaluation: figures and rows.
        mistakes: the worst ones, read with attention.
        right: some of those read right, with attention.
        config: what the report shows as the model's configuration.
    """
    # The folder is replaced as a whole: no picture of an earlier run stays behind.
    with storage.output_dir(storage.join(output_dir, "attention")) as folder:
        wrong_pictures = [_picture(folder / f"wrong-{n:02d}", *pair) for n, pair in enumerate(mistakes, start=1)]
        right_pictures = [_picture(folder / f"right-{n:02d}", *pair) for n, pair in enumerate(right, start=1)]
    page = report.render(evaluation, wrong_pictures, right_pictures, config)
    storage.write_bytes(storage.join(output_dir, predictions.TABLE), predictions.to_tsv(evaluation.rows).encode())
    storage.write_bytes(storage.join(output_dir, "report.html"), page.encode())
    storage.write_bytes(storage.join(output_dir, predictions.FIGURES), evaluation.to_json().encode())


def _picture(stem: Path, exhibit: Exhibit, reading: "Reading") -> report.Picture:
    """Draw one image into the file `STEM-TEXT.png`."""
    png = attention.overlay(exhibit.image, reading)
    stem.with_name(f"{stem.name}-{file_name(exhibit.row.text)}.png").write_bytes(png)
    return report.Picture(exhibit.row, png)
