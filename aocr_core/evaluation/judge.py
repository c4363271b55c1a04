"""Evaluation of a model and a data set that are given by their paths."""

from aocr_core.data import info, records
from aocr_core.evaluation.evaluate import evaluate
from aocr_core.evaluation.results import Evaluation
from aocr_core.recognizer import Recognizer


def evaluate_model(model: str, dataset: str, output_dir: str | None = None) -> Evaluation:
    """Evaluate a model directory or an exported version.

    Args:
        model: local or `gs://…`.
        dataset: TFRecord file or folder of shards.
        output_dir: folder for the report and the tables, None for none.

    Raises:
        AocrError: the model or the data set cannot be read, or there is nothing in it.
    """
    files, rows = records.files(dataset), info.load(dataset).rows
    return evaluate(Recognizer.load(model), records.read(files), output_dir, total=rows)
