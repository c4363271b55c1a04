"""Addresses of models: what a user may write, and what is asked for."""

import re
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote, urlsplit

from aocr_core.errors import UsageError

_VERB = re.compile(r":predict/?$")
_MODEL = re.compile(r"(?P<base>.*)/v1/models/(?P<name>[^/:]+)(?P<version>/versions/\d+)?")


@dataclass(frozen=True)
class Address:
    """A server, and the model that is asked there.

    Attributes:
        base: what stands before `/v1/models`.
        name: of the model; empty: not yet known.
        version: `/versions/3`; empty: the one that serves.
        elsewhere: the whole address, where the model is not below `/v1/models`, as Vertex AI's are not; else empty.
    """

    base: str
    name: str = ""
    version: str = ""
    elsewhere: str = ""

    @classmethod
    def parse(cls, url: str, model_name: str | None = None) -> "Address":
        """What a user has written: a server, or the address of a model there, with `:predict` or without.

        Raises:
            UsageError: it is no address, or one of another model than `model_name`. A password in it is not shown.
        """
        shown = url.rpartition("@")[2]
        try:
            parts = urlsplit(url)
            host = parts.hostname if parts.port != 0 else None  # `port` raises what `urlsplit` lets through
        except ValueError as error:
            why = "" if "@" in url else f": {error}"  # which may quote a password
            raise UsageError(f"{shown} is no address{why}") from None
        if parts.scheme not in ("http", "https") or not host or re.search(r"\s", url):
            raise UsageError(f"{shown} is no address of a server: write http://HOST:PORT or https://HOST:PORT")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise UsageError(f"{shown}: leave out users, passwords, queries and fragments")
        origin, path = f"{parts.scheme}://{parts.netloc}", _VERB.sub("", parts.path).rstrip("/")
        if found := _MODEL.fullmatch(path):
            name = unquote(found["name"])
            if model_name not in (None, name):
                raise UsageError(f"{url} is the address of the model {name}, not of {model_name}")
            return cls(origin + found["base"], name, found["version"] or "")
        path = re.sub(r"/v1(/models)?$", "", path)
        if "/v1/" in f"{path}/":
            if model_name:
                raise UsageError(f"{url} is the address of a model: leave the name {model_name} out")
            return cls(origin, elsewhere=origin + path)
        return cls(origin + path, model_name or "")

    @property
    def known(self) -> bool:
        """Whether it is known which model to ask."""
        return bool(self.name or self.elsewhere)

    @property
    def url(self) -> str:
        """Address of the model: append `:predict` to ask."""
        return self.elsewhere or f"{self.list_url}/{quote(self.name, safe='')}{self.version}"

    @property
    def list_url(self) -> str:
        """Where our server tells which models it has."""
        return f"{self.base}/v1/models"

    def with_one_of(self, names: list[str], default: str = "aocr") -> "Address":
        """The same with the only name there is; with the usual one where the server does not tell.

        Raises:
            UsageError: there are several.
        """
        if len(names) > 1:
            raise UsageError(f"{self.base} has several models: ask for one of {', '.join(names)} with --model-name")
        return replace(self, name=names[0] if names else default)
