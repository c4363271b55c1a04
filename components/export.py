"""Step 5: from a model directory to what a server loads."""

from kfp.dsl import Input, Model, Output, component

from components.image import IMAGE


@component(base_image=IMAGE, install_kfp_package=False)
def export(model: Input[Model], exported: Output[Model]):
    """Write a SavedModel and verify it against the checkpoint."""
    from aocr_core.export import export

    exported.metadata["version"] = export(model.path, exported.path)
