"""The HTTP server of the stand-in."""

import functools
import json
import tempfile
import threading
import traceback
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from google.api_core import exceptions
from google.longrunning.operations_pb2 import Operation

from tests.vertex import operations, rpc
from tests.vertex.containers import Container
from tests.vertex.custom_jobs import CustomJobs
from tests.vertex.endpoints import Endpoints
from tests.vertex.faults import Faults
from tests.vertex.metadata import Metadata
from tests.vertex.models import Models
from tests.vertex.pipeline_jobs import PipelineJobs
from tests.vertex.schedules import Schedules


class VertexDouble:
    """Vertex AI on loopback; a context manager. `url` is what `--api-endpoint` takes."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="vertex-")
        self.jobs = PipelineJobs(Path(self._folder.name))
        self.custom_jobs = CustomJobs(Path(self._folder.name, "custom-jobs"))
        self.metadata = Metadata()
        self.models = Models()
        self.endpoints = Endpoints(self.models, Container)
        self.schedules = Schedules(self.jobs)
        self.operations = operations.Operations()
        self.faults = Faults()
        self.calls: list[tuple[str, Any]] = []
        """Every request that was understood: name of the RPC and message."""
        self.hold_seconds = 30.0
        """The longest that the connection is held for an answer that is not to come; clients give up long before."""
        self.after: Callable[[str], None] = lambda rpc: None
        """Is told of every call when it is done."""
        self._rpcs = [
            *rpc.rpcs("PipelineService", self.jobs),
            *rpc.rpcs("JobService", self.custom_jobs),
            *rpc.rpcs("ScheduleService", self.schedules),
            *rpc.rpcs("MetadataService", self.metadata),
            *rpc.rpcs("ModelService", self.models),
            *rpc.rpcs("EndpointService", self.endpoints),
            *rpc.rpcs("PredictionService", self.endpoints),
        ]
        self.over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def add(self, service: str, resource: Any) -> None:
        """Answer the RPCs of a further service that `resource` has methods for."""
        self._rpcs += rpc.rpcs(service, resource)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self.jobs.stop()
        self.custom_jobs.stop()
        self.endpoints.stop()
        self._folder.cleanup()

    def names(self) -> list[str]:
        """The RPCs that were called."""
        return [name for name, _ in self.calls]

    def answer(self, method: str, target: str, body: bytes) -> tuple[int, str] | None:
        """Status and JSON; None if there is to be no answer."""
        path, _, query = target.partition("?")
        if method == "GET" and (asked := operations.PATH.fullmatch(path)):
            return self._call("GetOperation", lambda: self.operations.get(asked[1]))
        for known in self._rpcs:
            match = known.path.fullmatch(path) if known.method == method else None
            if match:
                return self._call(known.name, functools.partial(self._handled, known, match, query, body))
        return _error(exceptions.NotFound(f"{method} {path}: there is no such method"))

    def _handled(self, known: rpc.Rpc, match: Any, query: str, body: bytes) -> Any:
        request = known.message(match, query, body)
        self.calls.append((known.name, request))
        answer = known.handler(request)
        return self.operations.begun(answer) if isinstance(answer, Operation) else answer

    def _call(self, name: str, work: Callable[[], Any]) -> tuple[int, str] | None:
        fault = self.faults.take(name)

        def refused() -> Any:
            raise fault.error

        while fault.held and fault.held() and not self.over.wait(0.02):
            pass
        answer = None if fault.silent else self._answered(refused if fault.error else work)
        self.after(name)
        if fault.held:
            return None
        if fault.silent or fault.late:
            self.over.wait(self.hold_seconds)
            return None
        return answer

    @staticmethod
    def _answered(work: Callable[[], Any]) -> tuple[int, str]:
        try:
            return 200, rpc.as_json(work())
        except exceptions.GoogleAPICallError as error:
            return _error(error)
        except Exception:  # a mistake in the stand-in: told to the test, in a way that no client asks again
            return _error(exceptions.MethodNotImplemented(traceback.format_exc()))


def _error(error: exceptions.GoogleAPICallError) -> tuple[int, str]:
    status = error.grpc_status_code.name if error.grpc_status_code else "UNKNOWN"
    return int(error.code), json.dumps({"error": {"code": int(error.code), "message": error.message, "status": status}})


def _handler(double: VertexDouble) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # or every answer with a body takes 40 ms

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = double.answer(self.command, self.path, body)
            if answer is None:
                self.close_connection = True
                return
            status, text = answer
            content = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=UTF-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 - http.server's names

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
