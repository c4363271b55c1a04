"""Asks a server that speaks TF Serving's REST dialect: ours, or TF Serving itself. Needs no TensorFlow.

from aocr_core.serving.client import Client
with Client("http://127.0.0.1:9001") as client:
    for reading in client.read(["a.png", "b.jpg"]):
        print(reading.text, reading.probability)
"""

import base64
import json
import os
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from aocr_core.config import TOKEN_VARIABLE
from aocr_core.errors import AocrError, UsageError
from aocr_core.reading import Reading
from aocr_core.serving.address import Address
from aocr_core.serving.ahead import in_order
from aocr_core.serving.connections import Answer, Connections

if TYPE_CHECKING:
    from aocr_core.data.images import AnyImage

BATCH = 16
"""Images of a request. The server puts requests together by itself; a large one only makes others wait."""
MAX_BYTES = 8 * 2**20
"""Bytes of a request's images, unless a single one has more."""
CONNECTIONS = 4
"""Requests under way at a time."""
_REFUSED = re.compile(r"instances\[(?P<place>\d{1,9})\]: (?P<reason>.+)", re.DOTALL)
"""What our server says of the first image of a request that it does not take."""


class Client:
    """Reads images over HTTP as `Recognizer` does here, several requests at a time. Threads may share it.

    Args:
        url: `http://host:port`, or the address of the model, `http://host:port/v1/models/NAME`.
        model_name: of several at that address, the one to ask.
        token: sent as a bearer token; None: what `AOCR_TOKEN` in the environment says, if anything.
        timeout: seconds to wait for an answer.
        connections: requests that `read` has under way at a time.

    Raises:
        UsageError: `url` is no such address, or the token cannot be one.
    """

    def __init__(
        self,
        url: str,
        model_name: str | None = None,
        token: str | None = None,
        timeout: float = 60.0,
        connections: int = CONNECTIONS,
    ) -> None:
        self._address = Address.parse(url, model_name)
        self._token = _header_value(os.environ.get(TOKEN_VARIABLE) if token is None else token)
        self._connections = Connections(self._token, timeout, connections)
        self._most = connections
        self._finding = threading.Lock()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up. Requests that wait for a busy server give up."""
        self._connections.close()

    @property
    def url(self) -> str:
        """Address of the model. Where none was named, the server is asked which it has."""
        with self._finding:
            if not self._address.known:
                self._address = self._address.with_one_of(self._names())
        return self._address.url

    def read(self, images: "Iterable[AnyImage]", attention: bool = False) -> list[Reading]:
        """Read images; see `Recognizer.read`.

        Args:
            images: paths, encoded bytes, PIL images, or arrays `[height, width]` or `[height, width, 1 | 3 | 4]` of
                8 bits.
            attention: also give symbols, their probabilities and the attention.

        Raises:
            AocrError: an image cannot be read (the message names it), or the server cannot be reached, refuses, or
                does not answer as ours do.
        """
        batches = in_order(lambda batch: self._read(batch, attention), _batches(images), self._most)
        return [reading for batch in batches for reading in batch]

    def read_plain(self, encoded: Sequence[bytes], attention: bool = False) -> list[Reading]:
        """Read images that `aocr_core.data.images` has already made plain, one request after the other.

        Raises:
            AocrError: see `read`; an image is named by its place.
        """
        readings = []
        for position, reading in enumerate(self.read_each(encoded, attention)):
            if isinstance(reading, AocrError):
                raise AocrError(f"{self.url}: image {position}: {reading}")
            readings.append(reading)
        return readings

    def read_each(self, encoded: Sequence[bytes], attention: bool = False) -> "list[Reading | AocrError]":
        """The same, but for an image that the server does not take: in its place stands why.

        Raises:
            AocrError: the server cannot be reached, refuses more than single images, or does not answer as ours do.
        """
        return [reading for images in _requests(encoded) for reading in self._ask(images, attention)]

    def _read(self, batch: "list[tuple[int, AnyImage]]", attention: bool) -> list[Reading]:
        # As `Recognizer` does it: TF Serving decodes only what TensorFlow can.
        from aocr_core.data.images import ImageError, from_any

        plain = []
        for position, image in batch:
            try:
                plain.append(from_any(image).data)
            except ImageError as error:
                raise AocrError(f"{_name(position, image)}: {error}") from error
        readings = []
        for (position, image), reading in zip(batch, self.read_each(plain, attention), strict=True):
            if isinstance(reading, AocrError):
                raise AocrError(f"{_name(position, image)}: {reading}")
            readings.append(reading)
        return readings

    def _ask(self, images: Sequence[bytes], attention: bool) -> "list[Reading | AocrError]":
        """One request; two halves of it where the server finds it too large, all others where it refuses an image."""
        body: dict[str, Any] = {"instances": [{"b64": base64.b64encode(image).decode("ascii")} for image in images]}
        if attention:
            body["signature_name"] = "details"
        answer = self._connections.ask("POST", f"{self.url}:predict", json.dumps(body).encode())
        if answer.status == 200:
            return [*self._readings(answer, len(images), attention)]
        if answer.status == 413 and len(images) > 1:
            half = len(images) // 2
            return self._ask(images[:half], attention) + self._ask(images[half:], attention)
        if answer.status == 413:
            return [AocrError(answer.reason)]
        refused = _REFUSED.match(answer.words) if answer.status == 400 else None
        if not refused or int(refused["place"]) >= len(images):
            raise AocrError(f"{self.url}: {answer.reason}{self._advice(answer.status)}")
        place = int(refused["place"])
        others = [*images[:place], *images[place + 1 :]]
        readings = self._ask(others, attention) if others else []
        return [*readings[:place], AocrError(refused["reason"]), *readings[place:]]

    def _readings(self, answer: Answer, count: int, attention: bool) -> list[Reading]:
        try:
            rows = answer.document["predictions"]
            if len(rows) != count:
                raise ValueError(f"{len(rows)} predictions for {count} images")
            return [_reading(row, attention) for row in rows]
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise AocrError(f"{self.url} does not answer like an exported aocr model: {answer.body[:100]!r}") from error

    def _advice(self, status: int) -> str:
        if status == 401:
            return (
                f"; is {TOKEN_VARIABLE} right?" if self._token else f"; the server wants a token: set {TOKEN_VARIABLE}"
            )
        if status == 404 and (names := self._names()):
            return f"; the server has {', '.join(names)}"
        return ""

    def _names(self) -> list[str]:
        """The models that the server offers; none where it does not say, as TF Serving does not."""
        answer = self._connections.ask("GET", self._address.list_url)
        try:
            return [str(model["name"]) for model in answer.document["models"]] if answer.status == 200 else []
        except (ValueError, KeyError, TypeError):
            return []


def _header_value(token: str | None) -> str | None:
    """The token without blanks around it, which files and secrets often end with; None for an empty one."""
    token = (token or "").strip()
    if not token.isascii() or not token.isprintable() or " " in token:
        # The message does not show the token.
        raise UsageError(f"the token (see {TOKEN_VARIABLE}) must be ASCII characters without blanks")
    return token or None


def ask(url: str, images: list[bytes], timeout: float = 60.0) -> list[tuple[str, float]]:
    """Have images read as they are, in one request or few.

    Args:
        url: see `Client`.
        images: encoded images.
        timeout: seconds to wait for an answer.

    Returns:
        Text and probability of each image, in order.

    Raises:
        AocrError: see `Client.read`.
    """
    with Client(url, timeout=timeout) as client:
        return [(reading.text, reading.probability) for reading in client.read_plain(images)]


def _name(position: int, image: "AnyImage") -> str:
    return str(image) if isinstance(image, str | PathLike) else f"image {position}"


def _batches(images: "Iterable[AnyImage]") -> "Iterator[list[tuple[int, AnyImage]]]":
    numbered = iter(enumerate(images))
    while batch := list(islice(numbered, BATCH)):
        yield batch


def _requests(encoded: Sequence[bytes]) -> Iterator[list[bytes]]:
    """The images in portions of at most `BATCH` images and `MAX_BYTES`, or of one image."""
    portion: list[bytes] = []
    size = 0
    for image in encoded:
        if portion and (len(portion) == BATCH or size + len(image) > MAX_BYTES):
            yield portion
            portion, size = [], 0
        portion.append(image)
        size += len(image)
    if portion:
        yield portion


def _reading(row: dict[str, Any], attention: bool) -> Reading:
    if not attention:
        return Reading(str(row["output"]), float(row["probability"]))
    return Reading.from_details(
        str(row["output"]),
        row["probability"],
        row["symbols"],
        row["symbol_probabilities"],
        np.array(row["attention"], np.float32),
        row["time_steps"],
    )
