"""What Google's libraries raise, in one line that says what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

from aocr_core.errors import AocrError


def is_transient(error: BaseException) -> bool:
    """Whether any request may be answered the next time: no connection, no answer in time, or a server's 5xx."""
    from google.api_core import exceptions
    from google.auth.exceptions import TransportError
    from requests.exceptions import ChunkedEncodingError, ConnectionError, Timeout

    # 504 is a `GatewayTimeout` over REST; 500, 502 and 503 are the other ones that pass.
    passing = exceptions.InternalServerError, exceptions.BadGateway, exceptions.ServiceUnavailable
    return isinstance(
        error, (*passing, exceptions.GatewayTimeout, TransportError, ChunkedEncodingError, ConnectionError, Timeout)
    )


def is_passing(error: BaseException) -> bool:
    """Whether a look, or a request to a model, may be answered the next time: there may also have been too many.

    A change is not repeated then: it may need more than there is a quota for, and that is to be told at once.
    """
    from google.api_core.exceptions import TooManyRequests

    return is_transient(error) or isinstance(error, TooManyRequests)


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Turn what Google's libraries raise into an `AocrError`.

    Args:
        doing: what was asked for, such as `submit to projects/p/locations/l`.
    """
    try:
        yield
    except AocrError:
        raise
    except Exception as error:
        message = in_one_line(error)
        if message is None:
            raise
        raise AocrError(f"cannot {doing}: {message}") from error


def in_one_line(error: BaseException) -> str | None:
    """What happened and what to do; None if the error is not one of Google's libraries or of the network."""
    from google.api_core import exceptions
    from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError
    from requests.exceptions import RequestException, Timeout

    if isinstance(error, exceptions.RetryError) and error.cause:
        return in_one_line(error.cause)
    if isinstance(error, DefaultCredentialsError):
        return "not logged in; run `gcloud auth application-default login`"
    if isinstance(error, exceptions.Unauthorized | GoogleAuthError):
        return f"the login is not accepted ({_line(error)}); run `gcloud auth application-default login` again"
    if isinstance(error, exceptions.Forbidden):
        return f"no permission: {_line(error)} (see the roles in docs/vertex.md)"
    if isinstance(error, exceptions.NotFound):
        return f"not found: {_line(error)}"
    if isinstance(error, exceptions.TooManyRequests):
        return f"out of quota: {_line(error)} (ask for more at https://console.cloud.google.com/iam-admin/quotas)"
    if isinstance(error, exceptions.BadRequest):
        return f"refused: {_line(error)}"
    if isinstance(error, Timeout):
        return f"no answer in time: {_line(error)}"
    if isinstance(error, TimeoutError):  # of a long-running operation
        return f"it has begun and is not over yet: {_line(error)}"
    if isinstance(error, RequestException):
        return f"no connection: {_line(error)}"
    if isinstance(error, exceptions.GoogleAPIError):
        return _line(error)
    return None


def _line(error: BaseException) -> str:
    """The first line of what an error says, without the method and address that google-api-core puts before it."""
    from google.api_core import exceptions

    said = error.message if isinstance(error, exceptions.GoogleAPICallError) else str(error)
    text = next(iter(said.strip().splitlines()), type(error).__name__)
    before, found, after = text.partition(": ")
    return after if found and before.split(" ")[0] in ("GET", "POST", "PATCH", "DELETE") else text
