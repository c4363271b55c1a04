import pytest
from hypothesis import given
from hypothesis import strategies as st

from aocr_core.errors import UsageError
from aocr_core.serving.address import Address


@pytest.mark.parametrize(
    ("given_url", "asked"),
    [
        ("http://host:9001/v1/models/words", "http://host:9001/v1/models/words"),
        ("http://host:9001/v1/models/words:predict", "http://host:9001/v1/models/words"),
        ("https://host/v1/models/words/", "https://host/v1/models/words"),
        ("https://host/behind/a/proxy/v1/models/words:predict", "https://host/behind/a/proxy/v1/models/words"),
        ("http://[::1]:9001/v1/models/words/versions/3:predict", "http://[::1]:9001/v1/models/words/versions/3"),
        ("http://host/v1/models/zwei%20W%C3%B6rter", "http://host/v1/models/zwei%20W%C3%B6rter"),
        (
            "http://host:8080/v1/endpoints/7/deployedModels/8:predict",
            "http://host:8080/v1/endpoints/7/deployedModels/8",
        ),
    ],
)
def test_addresses_of_models(given_url, asked):
    address = Address.parse(given_url)
    assert address.known
    assert address.url == asked


@pytest.mark.parametrize(
    "url", ["http://host:9001", "http://host:9001/", "http://host:9001/v1", "http://host:9001/v1/models/"]
)
def test_addresses_of_servers(url):
    address = Address.parse(url)
    assert not address.known
    assert address.list_url == "http://host:9001/v1/models"
    assert address.with_one_of(["words"]).url == "http://host:9001/v1/models/words"
    assert address.with_one_of([]).url == "http://host:9001/v1/models/aocr"
    assert Address.parse(url, "zwei Wörter").url == "http://host:9001/v1/models/zwei%20W%C3%B6rter"
    with pytest.raises(UsageError, match="several models: ask for one of a, b with --model-name"):
        address.with_one_of(["a", "b"])


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("host:9001", "no address of a server: write http://HOST:PORT"),
        ("ftp://host", "no address of a server"),
        ("http://", "no address of a server"),
        ("http://host:99999", "is no address: Port out of range"),
        ("http://ho st", "no address of a server"),
        ("http://[::1", "is no address"),
        ("http://me:secret@host/v1/models/a", "^host/v1/models/a: leave out users, passwords"),
        ("http://host?x=1", "leave out"),
    ],
)
def test_what_is_no_address(url, message):
    with pytest.raises(UsageError, match=message):
        Address.parse(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://me:hush@host:99999",
        "http://me:hu@sh@host",
        "http://me:hu/sh@host",
        "http://me:hush@[::1",
        "http://me:hush@ho\u2100st",
        "http://me:hu sh@host",
        "ftp://me:hush@host",
        "me:hush@host",
    ],
)
def test_a_password_is_not_shown(url):
    with pytest.raises(UsageError) as refused:
        Address.parse(url)
    assert "hu" not in str(refused.value) and "sh" not in str(refused.value)


def test_one_model_only():
    assert Address.parse("http://host/v1/models/a", "a").url == "http://host/v1/models/a"
    with pytest.raises(UsageError, match="is the address of the model a, not of b"):
        Address.parse("http://host/v1/models/a", "b")
    with pytest.raises(UsageError, match="leave the name b out"):
        Address.parse("http://host/v1/endpoints/7", "b")


@given(st.text(min_size=1).filter(lambda name: not set(name) & set("/:")))
def test_any_name_comes_back(name):
    url = Address.parse("http://host", name).url
    assert Address.parse(f"{url}:predict").name == name


@given(st.text())
def test_any_text_is_an_address_or_refused(text):
    for url in (text, f"http://{text}", f"http://host/{text}"):
        try:
            address = Address.parse(url)
        except UsageError:
            continue
        assert address.base.startswith(("http://", "https://"))
