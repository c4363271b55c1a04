"""The function, as functions-framework and Cloud Run want it."""

import functions_framework
from cloudevents.http import CloudEvent
from werkzeug.exceptions import ServiceUnavailable

from pipelines.event import settings
from pipelines.event.handler import LaterError, handle

# A mistake in the settings keeps the function from starting, so it is seen when it is deployed.
SETTINGS = settings.load()


@functions_framework.cloud_event
def on_upload(event: CloudEvent) -> None:
    """Start a run for an annotation file that has just been uploaded."""
    try:
        handle(event["type"], event.data, SETTINGS)
    except LaterError as error:
        raise ServiceUnavailable(str(error)) from error
