"""Runs the HTTP application: opens the port, loads the model, watches for new versions, stops when it should."""

import asyncio
import errno
import logging
import signal
import socket
import threading
import time
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from aocr_core import logs
from aocr_core.config import ServeOptions
from aocr_core.errors import AocrError
from aocr_core.serving.app import create_app
from aocr_core.serving.drain import Drain
from aocr_core.serving.metrics import Metrics
from aocr_core.serving.models import Models
from aocr_core.serving.protocol import BoundedProtocol
from aocr_core.serving.vertex import Contract

if TYPE_CHECKING:
    from aocr_core.serving.mirror import Mirror
    from aocr_core.serving.model import Model

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.1
GRACE_SECONDS = 30
"""Time for the requests in flight when the server is told to stop."""
LAST_LOOK_SECONDS = 1.0
"""Time for a look at the folder that has begun."""


class Server:
    """Serves the models in a folder. The port is open, and they are loaded, when the constructor returns.

    Args:
        base: Folder of the versions, or of the models (see `aocr_core.serving.models`), or what stands for one in a
            bucket.
        options: Where to listen, under which name, and all limits.
        contract: Vertex AI's container contract, where it holds.
        token: What requests must bring, None for nothing.

    Raises:
        AocrError: the port is not to be had, or no model can be loaded.
    """

    def __init__(
        self, base: "Path | Mirror", options: ServeOptions, contract: Contract | None = None, token: str | None = None
    ) -> None:
        # First the port: it takes no time to see that it is in use, but seconds to load a model.
        self._socket = _listen(options.host, options.rest_api_port)
        self._options = options
        self._address: tuple[str, int] = self._socket.getsockname()[:2]
        try:
            models = partial(Models, base) if isinstance(base, Path) else base.models
            self.models: Models[Model] = models(options.model_name, partial(_load, options))
            metrics = Metrics()
            self._drain = Drain(options.shutdown_delay)
            self._activity = _Activity(create_app(self.models, options, metrics, self._drain, contract, token))
        except BaseException:
            self._socket.close()
            raise
        # What uvicorn complains of, tracebacks among it, goes where our own log lines go.
        logging.getLogger("uvicorn").parent = logging.getLogger("aocr_core")
        config = uvicorn.Config(
            self._activity,
            http=partial(  # type: ignore[arg-type]  # it only calls it
                BoundedProtocol,
                options.max_connections,
                options.client_timeout,
                lambda reason: metrics.connections_refused.labels(reason).inc(),
            ),
            ws="none",
            lifespan="on",
            log_config=None,
            # Not a line for every request that is no HTTP.
            log_level="error",
            access_log=False,
            server_header=False,
            timeout_keep_alive=options.keep_alive,  # type: ignore[arg-type]  # fractions do no harm
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        self._uvicorn = _Uvicorn(config, self._drain)

    @property
    def url(self) -> str:
        """Address of the default model (of the first, if none is): append `:predict` to ask."""
        return self._url(self.models.default or self.models.names[0])

    def _url(self, name: str) -> str:
        host, port = self._address
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/v1/models/{name}"

    def run(self) -> None:
        """Serve until `stop`, SIGTERM, SIGINT or the idle limit; requests in flight are answered first."""
        stop_watching = threading.Event()
        watcher = threading.Thread(target=self.models.watch, args=(stop_watching,), name="versions", daemon=True)
        watcher.start()
        try:
            asyncio.run(self._serve())
        finally:
            stop_watching.set()
            # A version that is just being loaded, or fetched, is of no use any more.
            watcher.join(LAST_LOOK_SECONDS)

    def stop(self) -> None:
        """Make `run` return soon. May be called from any thread."""
        self._uvicorn.should_exit = True

    def drain(self) -> None:
        """Make `run` return after the shutdown delay, as SIGTERM does. May be called from any thread."""
        self._drain.begin()

    async def _serve(self) -> None:
        caretaker = asyncio.create_task(self._announce_and_stop_when_idle())
        try:
            await self._uvicorn.serve(sockets=[self._socket])
        finally:
            caretaker.cancel()

    async def _announce_and_stop_when_idle(self) -> None:
        while not self._uvicorn.started:
            await asyncio.sleep(TICK_SECONDS)
        for name in self.models.names:
            if found := self.models.find(name):
                print(f"Serving version {found.current.version} at {self._url(name)}", flush=True)
        limit = self._options.stop_after_idle
        while not 0 < limit < self._activity.idle_seconds:
            await asyncio.sleep(TICK_SECONDS)
        logger.info("No request for %g seconds: stopping", limit)
        self.stop()


class _Uvicorn(uvicorn.Server):
    """At the first SIGTERM it only begins to drain; whoever cannot wait sends a second one, or SIGINT."""

    def __init__(self, config: uvicorn.Config, drain: Drain) -> None:
        super().__init__(config)
        self._drain = drain

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig == signal.SIGTERM and not self._drain.began:
            self._drain.begin()
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        if self._drain.over and not self.should_exit:
            self.handle_exit(signal.SIGTERM, None)
        return await super().on_tick(counter)


class _Activity:
    """Passes requests on to an application and knows how long there has been none."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._in_flight = 0
        self._last = time.monotonic()

    @property
    def idle_seconds(self) -> float:
        return 0.0 if self._in_flight else time.monotonic() - self._last

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        self._in_flight += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._in_flight -= 1
            self._last = time.monotonic()


def _load(options: ServeOptions, folder: Path) -> "Model":
    # TensorFlow takes seconds to import; a mistake in the options is answered before.
    with logs.without_import_chatter():
        from aocr_core import precision
        from aocr_core.serving import model

    resolved = precision.resolve(options.precision)
    if resolved != "float32":
        try:
            loaded = model.load(folder, options.max_batch, resolved)
        except AocrError as error:
            logger.warning("%s: not to be read in %s, but in float32: %s", folder, resolved, error)
        else:
            logger.info("%s: read in %s", folder, resolved)
            return loaded
    return model.load(folder, options.max_batch)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise AocrError(f"port {port} is in use; choose another with --rest-api-port (0: a free one)") from error
        raise AocrError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
