"""This machine is asked without the proxy that the environment names for others."""

import os
import urllib.request

import pytest

from aocr_core.serving.loopback import unproxied

HOSTS = ("127.0.0.1", "near.example", "far.example")


def bypassed() -> list[bool]:
    """Which of the hosts are asked without the proxy."""
    return [bool(urllib.request.proxy_bypass(host)) for host in HOSTS]


@pytest.mark.parametrize("variable", ["no_proxy", "NO_PROXY"])
@pytest.mark.parametrize("named", [None, "", "near.example", "*"])
def test_others_are_asked_as_before(monkeypatch: pytest.MonkeyPatch, variable: str, named: str | None):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    if named is not None:
        monkeypatch.setenv(variable, named)
    before = dict(os.environ)
    everywhere = named == "*"
    assert bypassed() == [everywhere, bool(named), everywhere]
    with unproxied():
        assert bypassed() == [True, bool(named), everywhere]
    assert os.environ == before
