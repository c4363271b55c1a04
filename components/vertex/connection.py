"""Clients of Vertex AI's services for one place, and the patience with which they ask."""

import logging
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import click

from aocr_core.errors import AocrError, UsageError
from components.vertex.errors import explained, in_one_line, is_passing, is_transient
from components.vertex.place import Place

if TYPE_CHECKING:
    from google.api_core.retry import Retry
    from google.cloud.aiplatform_v1 import (
        EndpointServiceClient,
        MetadataServiceClient,
        ModelServiceClient,
        PipelineServiceClient,
        PredictionServiceClient,
        ScheduleServiceClient,
    )

Client = TypeVar("Client")

PATIENCE_SECONDS = 300.0
"""A request is repeated this long while the connection is lost or the service is down."""


class Connection:
    """A project and a region, and the clients that ask there. Makes no request before it is used."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._told = False

    @cached_property
    def project(self) -> str:
        """The project that was given, or else that of the login.

        Raises:
            UsageError: neither is known.
        """
        project = self.place.project or self._login[1]
        if not project:
            raise UsageError("no project: name it with --project, or set GOOGLE_CLOUD_PROJECT")
        return project

    @property
    def parent(self) -> str:
        """`projects/PROJECT/locations/LOCATION`."""
        return f"projects/{self.project}/locations/{self.place.location}"

    def client(self, kind: type[Client]) -> Client:
        """A client of one service, such as `PipelineServiceClient`."""
        with explained(f"ask {self.place.url}"):
            make: Any = kind  # all generated clients are made alike
            return make(credentials=self._login[0], transport="rest", client_options={"api_endpoint": self.place.url})

    @cached_property
    def pipelines(self) -> "PipelineServiceClient":
        """Client of the pipeline service."""
        return self.client(_library().PipelineServiceClient)

    @cached_property
    def schedules(self) -> "ScheduleServiceClient":
        """Client of the schedule service."""
        return self.client(_library().ScheduleServiceClient)

    @cached_property
    def metadata(self) -> "MetadataServiceClient":
        """Client of the metadata service, where experiments are kept."""
        return self.client(_library().MetadataServiceClient)

    @cached_property
    def models(self) -> "ModelServiceClient":
        """Client of the Model Registry."""
        return self.client(_library().ModelServiceClient)

    @cached_property
    def endpoints(self) -> "EndpointServiceClient":
        """Client of the endpoint service."""
        return self.client(_library().EndpointServiceClient)

    @cached_property
    def predictions(self) -> "PredictionServiceClient":
        """Client of the prediction service."""
        return self.client(_library().PredictionServiceClient)

    @cached_property
    def patience(self) -> dict[str, Any]:
        """Arguments for a request that only looks, or may be made twice: time for one answer, and how it is retried."""
        return {"timeout": self.place.request_timeout, "retry": self._retry(is_passing)}

    @cached_property
    def persistence(self) -> "Retry":
        """Decorator for a change that looks first whether it is still to be made, and so may be repeated."""
        return self._retry(is_transient)

    def _retry(self, predicate: Callable[[Exception], bool]) -> "Retry":
        from google.api_core.retry import Retry

        return Retry(predicate=predicate, initial=1.0, maximum=20.0, timeout=PATIENCE_SECONDS, on_error=self.tell)

    def tell(self, error: BaseException) -> None:
        """Say once why nothing seems to happen: with a mistyped region, for one, until patience is at its end."""
        if not self._told:
            click.echo(f"aocr-pipeline: {self.place.url}: {in_one_line(error)}; asking again", err=True)
            self._told = True

    @property
    def once(self) -> dict[str, Any]:
        """Arguments for a request that is made once."""
        return {"timeout": self.place.request_timeout, "retry": None}

    @cached_property
    def _login(self) -> tuple[Any, str | None]:
        """Credentials, and the project that they belong to."""
        if self.place.url.startswith("http://"):  # a token must not travel in the clear
            from google.auth.credentials import AnonymousCredentials

            return AnonymousCredentials(), None
        import google.auth

        # What it would log is said by its exception, too.
        logging.getLogger("google.auth._default").setLevel(logging.ERROR)
        with explained(f"ask {self.place.url}"):
            return google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])


def _library() -> Any:
    try:
        from google.cloud import aiplatform_v1
    except ImportError as error:
        message = "Vertex AI needs google-cloud-aiplatform: pip install 'aocr-pipeline[pipeline]'"
        raise AocrError(message) from error
    return aiplatform_v1
