"""Step 4: may this model serve?"""

from kfp.dsl import Dataset, Input, Metrics, Output, component

from aocr_core.config import ApproveOptions, ServeOptions
from components.form import describe
from components.image import IMAGE
from components.inputs import PipelineInputs


@component(base_image=IMAGE, install_kfp_package=False)
@describe(PipelineInputs, ServeOptions, ApproveOptions)
def approve(
    metrics: Input[Metrics],
    dataset: Input[Dataset],
    serving_dir: str,
    model_name: str,
    min_accuracy: float,
    decision: Output[Metrics],
) -> bool:
    """Approve a model that is good enough and reads the test set no worse than the model that serves now."""
    parameters = locals()
    from aocr_core.approval import approve
    from aocr_core.config import ApproveOptions
    from components.artifacts import record
    from components.form import options

    verdict = approve(metrics.metadata, dataset.path, serving_dir, model_name, options(ApproveOptions, parameters))
    record(decision, verdict.figures())
    return verdict.approved
