"""How Cloud Storage is asked: one client, patience with an end, many calls at a time, failures told in one line."""

import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from aocr_core.errors import AocrError
from aocr_core.storage import MissingError

if TYPE_CHECKING:
    from google.api_core.retry import Retry

WORKERS = 16
"""Calls at a time. Most of a call's time is waiting for its first byte."""
TIMEOUT = (10.0, 60.0)
"""Seconds to connect, and of silence in an answer, after which a call is made anew."""
PATIENCE = 120.0
"""Seconds after which a call that goes on failing is given up."""
FIRST_DELAY = 0.5
"""Seconds before the first repetition, on average half of that; they double from one to the next."""
FETCHES = 3
"""How often an object is fetched whose bytes arrive damaged, or break off after a long while."""

Item = TypeVar("Item")
Result = TypeVar("Result")

logger = logging.getLogger(__name__)


def patient() -> dict[str, Any]:
    """The options of a call that may be repeated as it is."""
    return {"retry": _retry(), "timeout": TIMEOUT}


def _retry() -> "Retry":
    from google.cloud.storage.retry import DEFAULT_RETRY

    return DEFAULT_RETRY.with_timeout(PATIENCE).with_delay(initial=FIRST_DELAY)


def fetched(fetch: Callable[[], Result]) -> Result:
    """The result of a download, begun anew whenever it breaks off or its checksum is not the object's.

    The library would go on where a download broke off, but does not look at the checksum then; so `fetch` is to leave
    repetitions (`retry=None`) to this function.
    """
    from google.api_core.exceptions import RetryError
    from google.cloud.storage.exceptions import DataCorruption

    lasted = 0.0

    def timed() -> Result:
        nonlocal lasted
        began = time.monotonic()
        try:
            return fetch()
        finally:
            lasted = time.monotonic() - began

    for _ in range(FETCHES - 1):
        try:
            return _retry()(timed)()
        except DataCorruption as error:
            logger.warning("damaged on the way, fetched again: %s", _first_line(error))
        except RetryError as error:
            # Longer than any silence: the patience was spent while bytes were coming.
            if lasted <= sum(TIMEOUT):
                raise
            logger.warning("broke off after %.0f s, fetched again: %s", lasted, _first_line(error.cause))
    return _retry()(timed)()


def for_each(function: Callable[[Item], object], items: Iterable[Item]) -> None:
    """Call the function with every item, up to `WORKERS` at a time; the first failure ends it."""
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="gcs") as pool:
        try:
            for done in as_completed([pool.submit(function, item) for item in items]):
                done.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def client() -> Any:
    """The client of this process."""
    return _client_for(os.environ.get("STORAGE_EMULATOR_HOST"))


@lru_cache(maxsize=1)
def _client_for(emulator: str | None) -> Any:
    """One client for the process, and another when the emulator changes (google-cloud-storage reads the variable)."""
    try:
        import google.cloud.storage as storage
    except ImportError as error:
        raise AocrError("gs:// paths need google-cloud-storage: pip install 'aocr-pipeline[pipeline]'") from error
    from requests.adapters import HTTPAdapter

    # Objects are addressed by bucket alone; a project is needed only to create buckets.
    made = storage.Client(project=os.environ.get("GOOGLE_CLOUD_PROJECT", "none") if emulator else None)
    # As many connections are kept open as there are calls at a time; by default it is ten.
    for scheme in ("https://", "http://"):
        made._http.mount(scheme, HTTPAdapter(pool_maxsize=2 * WORKERS))
    return made


@contextmanager
def explained(path: str) -> Iterator[None]:
    """Turn what Google's libraries raise into one line that names the path."""
    try:
        yield
    except AocrError:
        raise
    except Exception as error:
        told = _in_one_line(error, path)
        if told is None:
            raise
        raise told from error


def _in_one_line(error: Exception, path: str) -> AocrError | None:
    """What the user is told, None if this is none of Cloud Storage's failures."""
    from google.api_core.exceptions import Forbidden, GoogleAPIError, NotFound
    from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError
    from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
    from urllib3.exceptions import HTTPError

    if isinstance(error, NotFound):
        return MissingError(f"no such object or bucket: {path}")
    if isinstance(error, Forbidden):
        return AocrError(f"no permission for {path}: {_first_line(error.message)}")
    if isinstance(error, DefaultCredentialsError):
        return AocrError(f"{path}: not logged in; run `gcloud auth application-default login`")
    if isinstance(error, DataCorruption):
        return AocrError(f"Cloud Storage, {path}: arrived damaged {FETCHES} times (its checksum is another)")
    # Of the last, requests' errors are a part; the disk that is full is another.
    if isinstance(error, GoogleAPIError | GoogleAuthError | InvalidResponse | HTTPError | OSError):
        return AocrError(f"Cloud Storage, {path}: {_first_line(error)}")
    return None


def _first_line(error: object) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
