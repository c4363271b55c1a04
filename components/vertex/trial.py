"""Tries a new version where it serves: real requests to the endpoint, of which it gets its share."""

import base64
import logging
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from aocr_core.errors import AocrError
from aocr_core.smoke import Known
from components.vertex.connection import Connection
from components.vertex.endpoints import ALL
from components.vertex.errors import explained, is_passing

if TYPE_CHECKING:
    from google.cloud.aiplatform_v1.types import PredictResponse

logger = logging.getLogger(__name__)

ANSWERS = 3
"""Of the new version, each to all images at once, that have to be right."""
PATIENCE_SECONDS = 30.0
"""A request is repeated this long: less than elsewhere, since others get no better answers meanwhile."""
MOST = 30
"""Requests per expected answer of the new version. With so many it may lack `ANSWERS` by chance once in 10^10 times,"""
ROUTING_SECONDS, PAUSE = 180.0, 2.0
"""but a change of the traffic split takes some time to be heeded everywhere: so long it is asked on, with pauses."""


def tried(connection: Connection, name: str, deployment: str, share: int, known: Sequence[Known]) -> None:
    """Ask an endpoint until a deployment has answered, and compare its answers with what its export reads.

    Vertex AI sends a request where the traffic split says, and says who has answered.

    Args:
        connection: where.
        name: of the endpoint.
        deployment: whose answers count.
        share: its share of the traffic, in percent.
        known: images, and what the export reads in them.

    Raises:
        AocrError: it reads otherwise, does not answer, or answers something else.
    """
    asked, answered, limit = 0, 0, time.monotonic() + ROUTING_SECONDS
    while answered < ANSWERS:
        if asked >= MOST * ALL / share:
            if time.monotonic() > limit:
                raise AocrError(f"the new version gave {answered} of {asked} answers, with {share} % of the traffic")
            time.sleep(PAUSE)
        asked += 1
        answer = _paced(lambda: _ask(connection, name, known))
        if answer.deployed_model_id == deployment:
            answered += 1
            _compare(answer, known)
        elif share == ALL:  # others still answer: what they are is not to be taken away yet
            answered = 0
    logger.info("the new version reads as its export does (%d requests)", asked)


def _paced(ask: Callable[[], "PredictResponse"]) -> "PredictResponse":
    """The answer to a request, and then as long a pause: half the time of a lone machine is left to all others."""
    began = time.monotonic()
    answer = ask()
    time.sleep(min(time.monotonic() - began, PAUSE))
    return answer


def _ask(connection: Connection, name: str, known: Sequence[Known]) -> "PredictResponse":
    from google.api_core.retry import Retry

    instances = [{"b64": base64.b64encode(one.image).decode()} for one in known]
    retry = Retry(predicate=is_passing, initial=0.5, maximum=5.0, timeout=PATIENCE_SECONDS)
    with explained(f"get an answer from {name}"):
        return connection.predictions.predict(
            endpoint=name, instances=instances, timeout=connection.place.request_timeout, retry=retry
        )


def _compare(answer: "PredictResponse", known: Sequence[Known]) -> None:
    texts = [_text(prediction) for prediction in answer.predictions]
    wanted = [one.text for one in known]
    if texts != wanted:
        raise AocrError(f"the new version reads {texts} where its export reads {wanted}")


def _text(prediction: Any) -> Any:
    return prediction.get("output") if hasattr(prediction, "get") else prediction
