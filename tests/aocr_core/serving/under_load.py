"""A server that is kept at work, and what it counts meanwhile."""

import http.client
import threading
from urllib.parse import urlsplit

from aocr_core.data import images
from aocr_core.data.images import PlainImage


class Slow:
    """Makes a model wait until it is let go on."""

    def __init__(self, server, monkeypatch) -> None:
        model = server.models.find("aocr").current.model
        self.at_work, self.go_on = threading.Event(), threading.Event()
        self.batches: list[int] = []
        run = model.run

        def slow(images, signature="serving_default"):
            self.batches.append(len(images))
            self.at_work.set()
            assert self.go_on.wait(60)
            return run(images, signature)

        monkeypatch.setattr(model, "run", slow)


class SlowDecoding:
    """Makes the check of images wait until it is let go on."""

    def __init__(self, monkeypatch) -> None:
        self.at_work, self.go_on = threading.Event(), threading.Event()
        plain = images.plain

        def slow(data: bytes, **limits) -> PlainImage:
            self.at_work.set()
            assert self.go_on.wait(60)
            return plain(data, **limits)

        monkeypatch.setattr(images, "plain", slow)


def sample(url: str, name: str) -> float:
    """A value that the server counts, of all labels together."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    connection.close()
    return sum(float(line.split()[-1]) for line in lines if line.split("{")[0].split(" ")[0] == name)
