"""Step 3: how well the model reads images that it has never seen."""

from kfp.dsl import HTML, Dataset, Input, Metrics, Model, Output, component

from components.image import IMAGE


@component(base_image=IMAGE, install_kfp_package=False)
def evaluate(model: Input[Model], dataset: Input[Dataset], metrics: Output[Metrics], report: Output[HTML]):
    """Measure the model on the test set and draw what it looks at."""
    from aocr_core.evaluation import evaluate

    metrics.metadata.update(evaluate(model.path, dataset.path, report.path))
