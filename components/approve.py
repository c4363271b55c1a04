"""Step 4: may this model serve?"""

from kfp.dsl import HTML, Artifact, Dataset, Input, Metrics, Output, component

from aocr_core.config import ApproveOptions, ServeOptions
from components.form import describe
from components.image import IMAGE
from components.inputs import EndpointOptions, PipelineInputs


@component(base_image=IMAGE, install_kfp_package=False)
@describe(PipelineInputs, ServeOptions, EndpointOptions, ApproveOptions)
def approve(
    evaluation: Input[Artifact],
    dataset: Input[Dataset],
    serving_dir: str,
    model_name: str,
    endpoint: str,
    min_accuracy: float,
    min_gain: float,
    serving_export: str,
    decision: Output[Metrics],
    reasons: Output[HTML],
    record: Output[Artifact],
) -> bool:
    """Approve a model that is good enough and certain to read the test set better than the model that serves now."""
    parameters = locals()
    import shutil

    from aocr_core.approval import approve
    from aocr_core.config import ApproveOptions
    from components import artifacts, deployment
    from components.form import options

    asked = options(ApproveOptions, parameters)
    serving = None if asked.serving_export else deployment.serving(serving_dir, model_name, endpoint)
    verdict = approve(evaluation.path, dataset.path, serving, asked, record.path)
    artifacts.record(decision, verdict.figures())
    shutil.copyfile(f"{record.path}/decision.html", reasons.path)
    return verdict.approved
