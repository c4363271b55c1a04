"""Step 6: put the export where the server looks."""

from kfp.dsl import Input, Model, component

from aocr_core.config import ServeOptions
from components.form import describe
from components.image import IMAGE
from components.inputs import PipelineInputs


@component(base_image=IMAGE, install_kfp_package=False)
@describe(PipelineInputs, ServeOptions)
def deploy(exported: Input[Model], serving_dir: str, model_name: str) -> str:
    """Publish the export as the next version of the served model; returns that version's folder."""
    from aocr_core.deployment import deploy

    return deploy(exported.path, serving_dir, model_name)
