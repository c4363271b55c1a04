"""From an HTTP request to the protobuf message that Google would see, by the rules of the real client library.

The library's REST transports hold, for every RPC, the HTTP method, the path and the field that the body goes to
(https://google.aip.dev/127). They are read backwards here.
"""

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from google.api_core.exceptions import InvalidArgument
from google.cloud.aiplatform_v1 import types
from google.longrunning import operations_pb2
from google.protobuf import any_pb2, json_format
from google.rpc import status_pb2

VARIABLE = re.compile(r"\{([\w.]+)=([^}]*)\}")


@dataclass(frozen=True)
class Rpc:
    """One RPC of a service: how it looks over HTTP, and what answers it."""

    name: str
    method: str
    path: re.Pattern[str]
    fields: list[str]
    """The fields of the request that the path holds."""
    body: str | None
    """The field that the body is, `*` for the whole request, None if there is no body."""
    request: Any
    handler: Callable[[Any], Any]

    def message(self, match: re.Match[str], query: str, body: bytes) -> Any:
        """The request.

        Raises:
            InvalidArgument: it is no JSON, or has a field that the message has not.
        """
        values: dict[str, Any] = {}
        for name, value in parse_qsl(query.replace("$alt=json%3Benum-encoding%3Dint", ""), keep_blank_values=True):
            # `alt=json` is what every API of Google's takes, and what `gcloud` sends.
            if not name.startswith("$") and name != "alt":
                values[name] = value == "true" if value in ("true", "false") else value
        try:
            if self.body:
                content = json_format.json.loads(body or b"{}")
                values |= content if self.body == "*" else {self.body: content}
            for field, value in zip(self.fields, match.groups(), strict=True):
                *outer, last = field.split(".")
                place = values
                for part in outer:
                    place = place.setdefault(part, {})
                place[last] = unquote(value)
            return self.request(json_format.ParseDict(values, self.request.pb()()))
        except (ValueError, json_format.ParseError) as error:
            raise InvalidArgument(f"Invalid JSON payload received. {error}") from error


def rpcs(service: str, resource: Any) -> list[Rpc]:
    """The RPCs of a service, such as `PipelineService`, that `resource` has methods for: `create_pipeline_job`, …"""
    folder = re.sub(r"(?<!^)(?=[A-Z])", "_", service).lower()
    module = importlib.import_module(f"google.cloud.aiplatform_v1.services.{folder}.transports.rest_base")
    transport = getattr(module, f"_Base{service}RestTransport")
    found = []
    for attribute in dir(transport):
        name = attribute.removeprefix("_Base")
        handler = getattr(resource, re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower(), None)
        if handler is None or not hasattr(getattr(transport, attribute), "_get_http_options"):
            continue
        for rule in getattr(transport, attribute)._get_http_options():
            fields = [field for field, _ in VARIABLE.findall(rule["uri"])]
            found.append(
                Rpc(
                    name,
                    rule["method"].upper(),
                    re.compile(VARIABLE.sub(_pattern, rule["uri"])),
                    fields,
                    rule.get("body"),
                    getattr(types, f"{name}Request"),
                    handler,
                )
            )
    return found


def _pattern(match: re.Match[str]) -> str:
    return f"({match[2].replace('*', '[^/:]+')})"


def as_json(message: Any) -> str:
    """A response, `None` being google.protobuf.Empty."""
    if message is None:
        return "{}"
    plain = message if hasattr(message, "DESCRIPTOR") else type(message).pb(message)
    return json_format.MessageToJson(plain, indent=None, always_print_fields_with_no_presence=False)


def done(name: str, response: Any = None) -> operations_pb2.Operation:
    """The long-running operation that a handler answers with: `response` is what it has made."""
    result = any_pb2.Any()
    if response is None:
        result.type_url = "type.googleapis.com/google.protobuf.Empty"
    else:
        result.Pack(type(response).pb(response))
    return operations_pb2.Operation(name=f"{name}/operations/1", done=True, response=result)


def failed(name: str, code: int, message: str) -> operations_pb2.Operation:
    """The long-running operation that a handler answers with when it comes to nothing: see google.rpc.Code."""
    error = status_pb2.Status(code=code, message=message)
    return operations_pb2.Operation(name=f"{name}/operations/1", done=True, error=error)


def page(items: list[Any], request: Any, most: int = 100) -> tuple[list[Any], str]:
    """The part of a list that a request asks for, and the token for the next part."""
    begin = int(request.page_token or 0)
    end = begin + min(request.page_size or most, most)
    return items[begin:end], str(end) if end < len(items) else ""


def chosen(items: list[Any], condition: str, fields: dict[str, Callable[[Any], str]]) -> list[Any]:
    """Those items that a filter such as `display_name="x"` lets through; other filters are refused."""
    if not condition:
        return items
    match = re.fullmatch(r'(\w+)="((?:[^"\\]|\\.)*)"', condition)
    if not match or match[1] not in fields:
        raise InvalidArgument(f"Invalid filter: {condition}")
    wanted = re.sub(r"\\(.)", r"\1", match[2])
    return [item for item in items if fields[match[1]](item) == wanted]
