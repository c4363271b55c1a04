"""What the server tells Prometheus about itself, in a registry of its own."""

import threading
import time
from collections.abc import Callable, Iterable

import numpy as np
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_TYPE = CONTENT_TYPE_LATEST
SECONDS = (0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30)
IMAGES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
PROBABILITIES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)

VERSIONS = 2
"""Of a model, whose probabilities are shown beside each other: those that have answered last."""


class Metrics:
    """Everything that is counted. No label takes its value from a request that names nothing known."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._lock = threading.Lock()
        self._answered: dict[str, list[int]] = {}
        self.requests = Counter("aocr_requests", "Requests answered", ("route", "model", "status"), registry=registry)
        self.seconds = Histogram(
            "aocr_request_seconds",
            "From a request's head to its answer",
            ("route",),
            buckets=SECONDS,
            registry=registry,
        )
        self.batch = Histogram(
            "aocr_batch_images", "Images that the model read together", buckets=IMAGES, registry=registry
        )
        self.batch_seconds = Histogram(
            "aocr_batch_seconds", "Time that the model took for a batch", buckets=SECONDS, registry=registry
        )
        self.queue = Gauge("aocr_queue_images", "Images that wait for the model", registry=registry)
        self.decoding = Gauge(
            "aocr_decoding_images", "Images that are being decoded, or wait for that", registry=registry
        )
        self.held = Gauge("aocr_request_bytes", "Bytes of requests that are held in memory", registry=registry)
        self.refused = Counter("aocr_images_refused", "Images that cannot be read", ("reason",), registry=registry)
        self.connections_refused = Counter(
            "aocr_connections_refused",
            "Connections closed for want of room, or of a request",
            ("reason",),
            registry=registry,
        )
        self.probability = Histogram(
            "aocr_probability",
            "Probability of the texts that were read: low ones are the first sign of other images",
            ("model", "version"),
            buckets=PROBABILITIES,
            registry=registry,
        )
        self.version = Gauge("aocr_model_version", "Version that answers", ("model",), registry=registry)
        ProcessCollector(registry=registry)

    def observe_batch(self, images: int, seconds: float) -> None:
        """Count a batch that the model has read."""
        self.batch.observe(images)
        self.batch_seconds.observe(seconds)

    def observe_probabilities(self, model: str, version: int, probabilities: np.ndarray) -> None:
        """Count what a request was answered, `[images]`."""
        histogram = self._histogram(model, version)
        for probability in probabilities:
            histogram.observe(float(probability))

    def _histogram(self, model: str, version: int) -> Histogram:
        """That of a version; those of versions that went long ago are dropped, or they would become more and more."""
        with self._lock:
            # The last to answer at the end: a version may come back, and an old one answer late.
            answered = [*(other for other in self._answered.get(model, ()) if other != version), version]
            for old in answered[:-VERSIONS]:
                self.probability.remove(model, old)
            self._answered[model] = answered[-VERSIONS:]
            return self.probability.labels(model, version)

    def text(self, versions: Iterable[tuple[str, int]]) -> bytes:
        """The page that Prometheus reads; `versions` are the models' names and what of them answers now."""
        for name, version in versions:
            self.version.labels(name).set(version)
        return generate_latest(self.registry)


class Measured:
    """Counts and times the requests to an application.

    The routes' own templates are the labels, and of the models' names only those that `is_model` knows: whoever asks
    cannot make new series.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, is_model: Callable[[str], bool]) -> None:
        self._app, self._metrics, self._is_model = app, metrics, is_model

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        began, status = time.perf_counter(), 500

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note_status)
        finally:
            route = getattr(scope.get("route"), "path_format", "none")
            name = scope.get("path_params", {}).get("name", "")
            self._metrics.requests.labels(route, name if self._is_model(name) else "", status).inc()
            self._metrics.seconds.labels(route).observe(time.perf_counter() - began)
