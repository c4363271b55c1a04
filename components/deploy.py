"""Step 6: put the export where the server looks, and on the endpoint."""

from kfp.dsl import Input, Metrics, Model, component

from aocr_core.config import ServeOptions
from components.form import describe
from components.image import IMAGE
from components.inputs import EndpointOptions, PipelineInputs


@component(base_image=IMAGE, install_kfp_package=False)
@describe(PipelineInputs, ServeOptions, EndpointOptions)
def deploy(
    exported: Input[Model],
    scores: Input[Metrics],
    serving_dir: str,
    model_name: str,
    endpoint: str,
    canary_percent: int,
    serving_machine: str,
    max_replicas: int,
    keep_previous: bool,
) -> str:
    """Publish the export as the next version of the served model, and on the endpoint if there is one.

    Returns that version's folder.
    """
    parameters = locals()
    import os

    from components import deployment
    from components.form import options
    from components.inputs import EndpointOptions

    asked = options(EndpointOptions, parameters)
    image = os.environ.get(deployment.IMAGE_VARIABLE)
    return deployment.deploy(exported.path, serving_dir, model_name, asked, image, scores.metadata)
