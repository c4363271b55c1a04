"""Step 3: how well the model reads images that it has never seen."""

from kfp.dsl import HTML, Artifact, Dataset, Input, Metrics, Model, Output, component

from components.image import IMAGE


@component(base_image=IMAGE, install_kfp_package=False)
def evaluate(
    model: Input[Model],
    dataset: Input[Dataset],
    metrics: Output[Metrics],
    report: Output[HTML],
    results: Output[Artifact],
):
    """Measure the model on the test set and draw what it looks at."""
    import shutil

    from aocr_core.evaluation.judge import evaluate_model
    from components.artifacts import record

    evaluation = evaluate_model(model.path, dataset.path, results.path)
    record(metrics, evaluation.figures())
    shutil.copyfile(f"{results.path}/report.html", report.path)
