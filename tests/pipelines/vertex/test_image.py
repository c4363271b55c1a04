"""Images by tag and by digest; the registry is one on loopback."""

import pytest

from aocr_core.errors import AocrError, UsageError
from pipelines.vertex import image
from tests.pipelines.conftest import DIGEST


def test_a_tag_becomes_the_digest_that_it_stands_for(registry: str):
    found = image.resolve(image.parse(f"{registry}/p/aocr:1"))
    assert found.pinned == f"{registry}/p/aocr@{DIGEST}"
    assert image.warning(found) is None
    assert image.resolve(found) is found


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("p/aocr:2", "cannot pin .*/p/aocr:2: there is no such image"),
        ("p/secret:1", "no permission to read it"),
        ("p/broken:1", "the registry answers 200 and no digest"),
    ],
)
def test_a_tag_that_cannot_be_resolved_is_told(registry: str, name: str, message: str):
    with pytest.raises(AocrError, match=message):
        image.resolve(image.parse(f"{registry}/{name}"))


def test_no_registry_is_told_in_one_line():
    with pytest.raises(AocrError, match=r"^cannot pin 127\.0\.0\.1:9/p/aocr:1: no connection: "):
        image.resolve(image.parse("127.0.0.1:9/p/aocr:1"))


@pytest.mark.parametrize("host", ["registry.example", "us-docker.pkg.dev.example", "gcr.io:5000", "evilgcr.io"])
def test_the_login_is_shown_to_no_other_registry(host: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(image, "_session", lambda local: pytest.fail("somebody is asked"))
    with pytest.raises(UsageError, match=f"--pin asks Google's registries only, not {host}: "):
        image.resolve(image.parse(f"{host}/p/aocr:1"))


@pytest.mark.parametrize("host", ["us-docker.pkg.dev", "europe-west4-docker.pkg.dev", "gcr.io", "eu.gcr.io"])
def test_googles_registries_are_known(host: str):
    assert image.GOOGLES.fullmatch(host)


def test_a_tag_is_warned_of():
    assert "the tag latest may" in str(image.warning(image.parse("europe-docker.pkg.dev/p/r/aocr")))
    assert "the tag 1.0 may" in str(image.warning(image.parse("localhost:5000/aocr:1.0")))
    both = image.parse(f"europe-docker.pkg.dev/p/r/aocr:1@{DIGEST}")
    assert image.warning(both) is None and both.pinned == f"europe-docker.pkg.dev/p/r/aocr@{DIGEST}"


@pytest.mark.parametrize("name", ["", "aocr", "host/a b", "host/aocr@sha256:12", "host/aocr:1:2", "host/aocr@md5:1"])
def test_what_is_no_image_is_refused(name: str):
    with pytest.raises(UsageError, match="write HOST/PROJECT/REPOSITORY"):
        image.parse(name)
