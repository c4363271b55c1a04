"""The step that builds TFRecords: from annotation files, or from rows of them that were checked in parts."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aocr_core.config import DataOptions, PrepareOptions
from aocr_core.data.split import build_training_and_test
from components.artifacts import record
from components.form import options

if TYPE_CHECKING:
    from kfp.dsl import Artifact


def build(
    parameters: Mapping[str, Any],
    training: "Artifact",
    test: "Artifact",
    metrics: "Artifact",
    parts: "Sequence[Artifact]" = (),
) -> None:
    """Write a training and a test set, and how many rows each has.

    Args:
        parameters: of the step.
        training: becomes the training set.
        test: becomes the test set.
        metrics: takes the counts.
        parts: the checked rows; none: they are read and checked here.

    Raises:
        AocrError: a file is not there, or has no row that can be used.
    """
    counts = build_training_and_test(
        parameters["annotations"],
        parameters["test_annotations"],
        training.path,
        test.path,
        parameters["test_share"],
        PrepareOptions(save_filename=True),
        options(DataOptions, parameters),
        [part.path for part in parts],
    )
    record(metrics, counts)
