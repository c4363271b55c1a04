"""Where a model goes: to a folder of served models, and from there to an endpoint of Vertex AI if one is named."""

import logging
from collections.abc import Mapping

from aocr_core import deployment
from aocr_core.deployment import Serving
from aocr_core.errors import UsageError
from components.ending import told_as_interrupt
from components.image import IMAGE
from components.inputs import EndpointOptions

logger = logging.getLogger(__name__)

IMAGE_VARIABLE = "AOCR_IMAGE"
"""Environment variable with the image that an endpoint runs: in a step, the step's own."""


def deploy(
    export_dir: str,
    serving_dir: str,
    model_name: str,
    options: EndpointOptions,
    image: str | None = None,
    figures: Mapping[str, float] | None = None,
) -> str:
    """Let the newest version in `export_dir` serve; if it does already, nothing changes.

    If this process is told to end (SIGTERM, Ctrl-C), the traffic of an endpoint goes back where it was.

    Args:
        export_dir: what `export` wrote.
        serving_dir: folder of all served models, local or `gs://…`; with an endpoint, the latter.
        model_name: the model's name there, and in the Model Registry.
        options: the endpoint, if there is to be one.
        image: container image for the endpoint.
        figures: of the evaluation, for the Model Registry.

    Returns:
        The folder of the version that serves the export.

    Raises:
        UsageError: Vertex AI cannot do that with these names.
        AocrError: something failed; what served does so still.
    """
    if options.endpoint is None:
        return deployment.deploy(export_dir, serving_dir, model_name)
    from components.vertex import endpoints, registry, rollout

    endpoints.connected(options.endpoint)
    registry.check_id(model_name)
    if not serving_dir.startswith("gs://"):
        raise UsageError(f"--serving-dir {serving_dir}: Vertex AI cannot see this machine's files; name gs://BUCKET/…")
    if not image or image == IMAGE:
        raise UsageError("no image for the endpoint: name it with --image, or set AOCR_IMAGE")
    fingerprint = deployment.fingerprint(deployment.exported(export_dir))
    folder = deployment.deploy(export_dir, serving_dir, model_name)
    upload = registry.Upload(model_name, folder, fingerprint, image, figures or {})
    with told_as_interrupt():
        rollout.deploy(options.endpoint, upload, options)
    return folder


def rollback(serving_dir: str | None, model_name: str, options: EndpointOptions) -> str:
    """Let the model serve again that did before the present one; what does so is named.

    Told to end, it leaves an endpoint as `deploy` does.

    Raises:
        UsageError: neither a folder nor an endpoint is given, or both are.
        AocrError: there is none, or something failed; what served does so still.
    """
    if serving_dir and options.endpoint:
        raise UsageError("either --serving-dir or --endpoint: with an endpoint, the folder only keeps the versions")
    if options.endpoint:
        from components.vertex import rollout

        with told_as_interrupt():
            return rollout.rollback(options.endpoint, model_name, options).name
    if not serving_dir:
        raise UsageError("roll back where? Name --endpoint or --serving-dir")
    return deployment.rollback(serving_dir, model_name)


def serving(serving_dir: str, model_name: str, endpoint: str | None) -> Serving | None:
    """What serves now: on the endpoint if one is named, else by the folder; None if nothing does yet.

    Raises:
        AocrError: Vertex AI cannot be reached, or does not say where the model lies.
    """
    if not endpoint:
        return deployment.serving(serving_dir, model_name)
    from components.vertex.serving import serving

    return serving(endpoint)
