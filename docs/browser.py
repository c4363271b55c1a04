"""A real browser for pictures and tests: headless Chromium, spoken to in the DevTools protocol through a pipe.

Standard library only. What drives browsers usually weighs 12 to 53 MB as a wheel, and wants a driver or a browser of
its own version; the little that is needed of the protocol has been stable for years.
Source: https://chromedevtools.github.io/devtools-protocol/
"""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless=new",
    # Chromium's own sandbox does not work for root, nor inside of most containers. Only our own page is opened.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    # Whatever would leave this machine fails, instead of depending on whether there is a network.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--remote-debugging-pipe",
)
_READ_FROM, _WRITE_TO = 3, 4
"""File descriptors on which Chromium listens and answers."""
_START = f"import os, sys; os.dup2(int(sys.argv[1]), {_READ_FROM}); os.dup2(int(sys.argv[2]), {_WRITE_TO}); \
os.execv(sys.argv[3], sys.argv[3:])"
_HIGH = 10
TIMEOUT = 60.0


def find() -> str | None:
    """Path of a Chromium or Chrome, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class BrowserError(Exception):
    """The browser refuses, a script in it failed, or something never came true."""


class Page:
    """A tab.

    Attributes:
        requests: addresses that the tab has asked for, in order.
        complaints: what the tab's console has shown as an error.
    """

    def __init__(self, send: int, receive: int) -> None:
        self._send, self._receive = send, receive
        self._number, self._rest = 0, b""
        self._session: str | None = None
        self.requests: list[str] = []
        self.complaints: list[str] = []
        target = self.command("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.command("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "DOM", "Log"):
            self.command(f"{domain}.enable")

    def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its answer; events that come before are noted.

        Raises:
            BrowserError: it is refused, or the browser is gone.
        """
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        data = memoryview(json.dumps(message).encode() + b"\0")
        while data:
            data = data[os.write(self._send, data) :]
        while (answer := self._next()).get("id") != self._number:
            self._note(answer)
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def open(self, url: str) -> None:
        """Go to a page and wait until it is loaded, its modules included."""
        self.command("Page.navigate", url=url)
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")

    def run(self, script: str) -> Any:
        """Value of an expression in the page; promises are waited for.

        Raises:
            BrowserError: it throws.
        """
        answer = self.command("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise BrowserError(details.get("exception", {}).get("description", details["text"]))
        return answer["result"].get("value")

    def wait(self, condition: str) -> None:
        """Wait until an expression is true.

        Raises:
            BrowserError: it never is.
        """
        end = time.monotonic() + TIMEOUT
        while not self.run(f"!!({condition})"):
            if time.monotonic() > end:
                raise BrowserError(
                    f"it never came true: {condition}; the page shows: {self.run('document.body.innerText')}"
                )
            time.sleep(0.02)

    def choose(self, selector: str, files: Sequence[Path]) -> None:
        """Choose files in a field for files, as a user does in the dialogue."""
        field = self.command("Runtime.evaluate", expression=f"document.querySelector({json.dumps(selector)})")
        paths = [str(file.resolve()) for file in files]  # the browser has a folder of its own
        self.command("DOM.setFileInputFiles", objectId=field["result"]["objectId"], files=paths)

    def press(self, key: str, code: int, text: str = "") -> None:
        """Press a key: its name, its Windows code, and what it types."""
        shared = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.command("Input.dispatchKeyEvent", type="keyDown", **shared, **({"text": text} if text else {}))
        self.command("Input.dispatchKeyEvent", type="keyUp", **shared)

    def look(self, width: int, height: int = 800, scale: float = 1.0, dark: bool = False) -> None:
        """Size of the window in CSS pixels, pixels of the screen in each, and the user's colour scheme."""
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=width < 500,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", features=[scheme])

    def picture(self) -> bytes:
        """The whole page as PNG."""
        answer = self.command("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        return base64.b64decode(answer["data"])

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._receive], [], [], TIMEOUT)
            chunk = os.read(self._receive, 1 << 16) if ready else b""
            if not chunk:
                raise BrowserError("the browser does not answer" if not ready else "the browser is gone")
            self._rest += chunk
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def _note(self, event: dict[str, Any]) -> None:
        details = event.get("params", {})
        if event.get("method") == "Network.requestWillBeSent":
            self.requests.append(details["request"]["url"])
        elif event.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(details["exceptionDetails"].get("exception", {}).get("description", ""))
        elif event.get("method") == "Log.entryAdded" and details["entry"]["level"] == "error":
            self.complaints.append(details["entry"]["text"])


@contextmanager
def browser(program: str, profile: Path) -> Iterator[Page]:
    """A browser that is gone after the block, with an empty page.

    Args:
        program: see `find`.
        profile: an empty folder for its files.
    """
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    # Above the two that they become, lest the one overwrite the other.
    passed = [fcntl.fcntl(end, fcntl.F_DUPFD, _HIGH) for end in (theirs_in, theirs_out)]
    process = subprocess.Popen(
        [sys.executable, "-c", _START, *map(str, passed), program, *FLAGS, f"--user-data-dir={profile}"],
        pass_fds=passed,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for end in (theirs_in, theirs_out, *passed):
        os.close(end)
    try:
        yield Page(ours_out, ours_in)
    finally:
        # The end of the pipe ends the browser and its helpers.
        os.close(ours_out)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(ours_in)
