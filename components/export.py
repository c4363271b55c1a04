"""Step 5: from a model directory to what a server loads."""

from kfp.dsl import Dataset, Input, Model, Output, component

from components.image import IMAGE


@component(base_image=IMAGE, install_kfp_package=False)
def export(model: Input[Model], dataset: Input[Dataset], exported: Output[Model]):
    """Write a SavedModel that reads test images as the checkpoint does."""
    from aocr_core.export import export
    from aocr_core.export.probes import of_dataset

    exported.metadata["version"] = export(model.path, exported.path, images=of_dataset(dataset.path))
