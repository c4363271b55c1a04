import pytest
import requests
from google.api_core import exceptions
from google.auth.exceptions import RefreshError

from aocr_core.errors import AocrError
from components.vertex.errors import explained, is_passing, is_transient


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RefreshError("Reauthentication is needed."), "the login is not accepted .Reauthentication is needed..; run"),
        (exceptions.Unauthorized("no token"), "the login is not accepted .no token.; run"),
        (exceptions.Forbidden("GET https://x/v1/y?z=1: denied: by policy"), "no permission: denied: by policy .see"),
        (exceptions.RetryError("too long", cause=requests.ConnectTimeout("slow")), "no answer in time: slow$"),
        (exceptions.InternalServerError(""), "InternalServerError$"),
        (requests.ConnectionError("refused"), "no connection: refused$"),
        # What a long-running operation raises when its result has not come in time.
        (TimeoutError("Operation did not complete"), "it has begun and is not over yet: Operation did not complete$"),
    ],
)
def test_an_error_becomes_one_line(error: Exception, message: str):
    with pytest.raises(AocrError, match=f"^cannot do it: {message}"), explained("do it"):
        raise error


def test_what_is_explained_already_or_is_a_bug_passes():
    with pytest.raises(AocrError, match=r"^known$"), explained("do it"):
        raise AocrError("known")
    with pytest.raises(KeyError), explained("do it"):
        raise KeyError("bug")


def test_only_what_may_pass_is_repeated():
    assert is_transient(exceptions.ServiceUnavailable("x")) and is_transient(exceptions.GatewayTimeout("x"))
    assert is_transient(requests.ReadTimeout()) and is_transient(requests.ConnectionError())
    for error in (
        exceptions.TooManyRequests,
        exceptions.Forbidden,
        exceptions.NotFound,
        exceptions.MethodNotImplemented,
    ):
        assert not is_transient(error("x"))


def test_too_many_looks_pass():
    assert is_passing(exceptions.TooManyRequests("x")) and is_passing(exceptions.ResourceExhausted("x"))
    assert is_passing(exceptions.ServiceUnavailable("x")) and not is_passing(exceptions.NotFound("x"))
