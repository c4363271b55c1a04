"""From a request's body to its answer: read it, decode its images, have the model read them among others' images.

The event loop only moves bytes. JSON, base64 and Pillow work in a small pool of threads, the model in the batcher's.
What is bounded here: seconds until the answer, images that wait, pixels; the bytes in `body`.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from aocr_core.config import ServeOptions
from aocr_core.data import images
from aocr_core.data.images import ImageError
from aocr_core.serving.answers import RequestError, answer, to_json
from aocr_core.serving.batcher import Batcher, Places, QueueFullError, Shape
from aocr_core.serving.body import MB, Body, Room
from aocr_core.serving.dialect import DEFAULT_SIGNATURE
from aocr_core.serving.metrics import Metrics
from aocr_core.serving.models import Models
from aocr_core.serving.versions import Served

if TYPE_CHECKING:
    from aocr_core.serving.model import Model

logger = logging.getLogger(__name__)

Row = Mapping[str, np.ndarray]

DETAILED = 32
"""Images in a request for another signature than the default one: it is answered with thousands of numbers for each."""
PIXELS = 4
"""A request may have so many times the pixels of a single image: those of hundreds would keep a thread for minutes."""


class Question(Protocol):
    """What a dialect makes of a request's body."""

    @property
    def signature(self) -> str:
        """The signature to call."""

    @property
    def images(self) -> tuple[bytes, ...]:
        """Encoded images, at least one."""

    def place(self, index: int) -> str:
        """Where an image stood in the request, for error messages."""

    def answer(self, outputs: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """The response's JSON, from outputs `[images, ...]`."""


Parse = Callable[[bytes, Served["Model"]], Question]


@dataclass(frozen=True, eq=False)
class _Image:
    """An image on its way to the model."""

    data: bytes
    shape: Shape
    model: "Model"
    signature: str


class Predictor:
    """Answers predict requests of all dialects; `close` after the last."""

    def __init__(self, models: "Models[Model]", options: ServeOptions, metrics: Metrics) -> None:
        self._models, self._options, self._metrics = models, options, metrics
        self._most_bytes = max(options.max_buffered_mb, options.max_body_mb) * MB
        self._room = Room(self._most_bytes)
        self._pool = ThreadPoolExecutor(options.decode_threads, "decode")
        self._batcher: Batcher[_Image, Row | ImageError] = Batcher(
            _run,
            max_batch=options.max_batch,
            max_wait=options.max_wait_ms / 1000,
            max_queue=options.max_queue,
            max_weight=options.max_pixels,
            max_seconds=options.request_timeout,
            threads=options.model_threads,
            shape=lambda image: image.shape,
            observe=metrics.observe_batch,
        )
        metrics.queue.set_function(lambda: self._batcher.waiting)
        metrics.decoding.set_function(lambda: self._batcher.coming)
        metrics.held.set_function(lambda: self._room.held)

    def close(self) -> None:
        """End the threads; what is in work is answered first."""
        self._pool.shutdown()
        self._batcher.close()

    def find(self, name: str, version: int | None = None) -> "Served[Model]":
        """The version that answers for a model.

        Raises:
            RequestError: status 404, there is no such model, or that version of it is not in memory.
        """
        wanted = f"Latest({name})" if version is None else f"Specific({name}, {version})"
        versions = self._models.find(name)
        if versions is None:
            raise RequestError(404, f"Servable not found for request: {wanted}")
        current = versions.current
        if version not in (None, current.version):
            wanted += f" (loaded is the latest version, {current.version})"
            raise RequestError(404, f"Servable not found for request: {wanted}")
        return current

    async def answer(self, request: Request, name: str, version: int | None, parse: Parse) -> Response:
        """The response to a request for the model `name`.

        Raises:
            RequestError: it cannot be answered.
        """
        body = Body(request, self._options.max_body_mb * MB, self._room)
        try:
            await body.read(self._options.client_timeout, self._refusal(name, version))
            deadline = time.monotonic() + self._options.request_timeout
            # Only now: a slow client must not keep an old version in memory.
            served = self.find(name, version)
            async with asyncio.timeout(self._options.request_timeout):
                return await self._answer(served, name, body, parse, deadline)
        except TimeoutError as error:
            raise RequestError(503, f"not answered within {self._options.request_timeout:g} seconds") from error
        finally:
            body.release()

    async def _answer(self, served: "Served[Model]", name: str, body: Body, parse: Parse, deadline: float) -> Response:
        loop = asyncio.get_running_loop()
        try:
            with self._batcher.expecting((served.model, DEFAULT_SIGNATURE)) as places:
                work = partial(self._prepare, served, body, parse, deadline, places)
                question, items = await loop.run_in_executor(self._pool, work)
                body.become(sum(len(item.data) for item in items))
                future = self._batcher.submit(items, places)
        except QueueFullError as error:
            raise self._full() from error
        rows = self._read(question, await asyncio.wrap_future(future))
        if question.signature == DEFAULT_SIGNATURE:
            return self._respond(name, served.version, question, rows)
        # Attention is many numbers, which would keep the event loop busy.
        return await loop.run_in_executor(self._pool, self._respond, name, served.version, question, rows)

    def _prepare(
        self, served: "Served[Model]", body: Body, parse: Parse, deadline: float, places: Places
    ) -> tuple[Question, list[_Image]]:
        if time.monotonic() > deadline:
            raise TimeoutError
        question = parse(body.content, served)
        if question.signature not in served.model.signatures:
            raise RequestError(400, f'Serving signature name: "{question.signature}" not found in signature def')
        group: tuple[Any, ...] = (served.model, question.signature)
        if question.signature != DEFAULT_SIGNATURE:
            # Sizes of its outputs depend on the batch: not on what others ask, then.
            group += (id(question),)
            if len(question.images) > DETAILED:
                message = f"{len(question.images)} images in one request; at most {DETAILED} are allowed for"
                raise RequestError(413, f"{message} {question.signature}")
        self._batcher.reserve(places, len(question.images), group)
        self._check_pixels(question)
        items, size = [], 0
        for index in range(len(question.images)):
            items.append(self._image(question, index, served.model, group, deadline))
            size += len(items[-1].data)
            if size > self._most_bytes:
                limit = self._most_bytes // MB
                raise RequestError(413, f"the images, rewritten for the model, are larger than {limit} MiB")
        return question, items

    def _check_pixels(self, question: Question) -> None:
        """Add up what the headers declare, before anything is decoded."""
        if len(question.images) <= PIXELS:
            return
        pixels, most = 0, PIXELS * self._options.max_pixels
        for index, data in enumerate(question.images):
            try:
                pixels += images.declared_pixels(data, max_pixels=self._options.max_pixels)
            except ImageError as error:
                raise self._unreadable(question, index, error) from error
            if pixels > most:
                # A client may halve what is too large, and ask again: ours does.
                raise RequestError(413, f"the images have more than {most:,} pixels in all; send fewer in a request")

    def _image(self, question: Question, index: int, model: "Model", group: tuple[Any, ...], deadline: float) -> _Image:
        """Check an image, and make it one that TensorFlow decodes faithfully."""
        if time.monotonic() > deadline:
            raise TimeoutError
        try:
            plain = images.plain(question.images[index], max_pixels=self._options.max_pixels)
        except ImageError as error:
            raise self._unreadable(question, index, error) from error
        shape = Shape(group, plain.width / plain.height, plain.width * plain.height)
        return _Image(plain.data, shape, model, question.signature)

    def _read(self, question: Question, results: list[Row | ImageError]) -> list[Row]:
        """The rows, if there is one for each image."""
        rows = []
        for index, result in enumerate(results):
            if isinstance(result, ImageError):
                # Such images should have been refused before: the operator may want to know what TensorFlow says.
                reason = " ".join(str(result.__cause__).split())
                logger.warning("%s passed the checks, but TensorFlow cannot read it: %s", question.place(index), reason)
                raise self._unreadable(question, index, result) from result
            rows.append(result)
        return rows

    def _unreadable(self, question: Question, index: int, error: ImageError) -> RequestError:
        self._metrics.refused.labels(error.kind).inc()
        return RequestError(400, f"{question.place(index)}: {error}")

    def _respond(self, name: str, version: int, question: Question, rows: Sequence[Row]) -> Response:
        outputs = {key: _stack([row[key] for row in rows]) for key in rows[0]}
        self._metrics.observe_probabilities(name, version, outputs["probability"])
        return answer(to_json(question.answer(outputs)))

    def _refusal(self, name: str, version: int | None) -> RequestError | None:
        """What can be said without looking at the body."""
        try:
            self.find(name, version)
        except RequestError as error:
            return error
        return self._full() if self._batcher.is_full else None

    def _full(self) -> RequestError:
        images_ahead = self._batcher.waiting + self._batcher.coming
        return RequestError(503, f"overloaded: {images_ahead} images are waiting; try again later")


def _run(batch: list[_Image]) -> Sequence[Row | ImageError]:
    """Have the model read images that are all of one group; one by itself that it cannot read is answered with why."""
    try:
        outputs = batch[0].model.run([image.data for image in batch], batch[0].signature)
    except ImageError as error:
        if len(batch) > 1:
            raise  # which of them it is shows when they come in smaller batches
        return [error]
    return [{name: array[index, ...] for name, array in outputs.items()} for index in range(len(batch))]


def _stack(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """One array `[images, ...]`; those from smaller batches are filled up with zeros, or empty texts, behind."""
    dtype = arrays[0].dtype
    shape = [max(sizes) for sizes in zip(*(array.shape for array in arrays), strict=True)]
    stacked = np.full((len(arrays), *shape), b"" if dtype.kind == "O" else 0, dtype)
    for index, array in enumerate(arrays):
        part: Any = (index, *(slice(size) for size in array.shape))
        stacked[part] = array[()]
    return stacked
