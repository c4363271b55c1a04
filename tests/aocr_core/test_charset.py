import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from aocr_core import storage
from aocr_core.charset import END, FIRST_SYMBOL, GO, PAD, PRESETS, Charset
from aocr_core.errors import AocrError, UsageError

LATEX = Charset(symbols=("\\frac", "{", "}", "x", "2"), kind="tokens")


@given(st.text(min_size=1))
def test_a_text_survives_encoding_and_decoding(text: str):
    charset = Charset.from_labels([text])
    assert charset.decode(charset.encode(text)) == text


@given(st.lists(st.sampled_from(LATEX.symbols)))
def test_tokens_survive_encoding_and_decoding(tokens: list[str]):
    assert LATEX.decode(LATEX.encode(" ".join(tokens))) == " ".join(tokens)


@given(st.lists(st.text()))
def test_ids_do_not_depend_on_the_order_of_the_labels(labels: list[str]):
    if any(labels):
        assert Charset.from_labels(labels) == Charset.from_labels(reversed(labels))


def test_special_ids_stand_for_no_symbol():
    charset = Charset(symbols=("a", "b"))
    assert len({PAD, GO, END}) == 3 and max(PAD, GO, END) < FIRST_SYMBOL
    assert charset.encode("ab") == [FIRST_SYMBOL, FIRST_SYMBOL + 1]
    assert (len(charset), charset.size) == (2, FIRST_SYMBOL + 2)


def test_decoding_ends_at_the_first_end():
    a, b = FIRST_SYMBOL, FIRST_SYMBOL + 1
    assert Charset(symbols=("a", "b")).decode([GO, a, PAD, b, END, a, b]) == "ab"


def test_unknown_symbols_are_named_once_each():
    charset = Charset(symbols=("a",))
    assert charset.unknown("xayx") == ["x", "y"]
    with pytest.raises(AocrError, match=r"'xayx' has symbols that are not in the charset: x y$"):
        charset.encode("xayx")
    assert LATEX.unknown("\\frac { x } y") == ["y"]


def test_labels_without_a_symbol():
    with pytest.raises(AocrError, match="no characters to learn"):
        Charset.from_labels(["", ""])


@pytest.mark.parametrize("symbols", [(), ("a", ""), ("a", "b", "a")])
def test_symbols_are_distinct_and_not_empty(symbols: tuple[str, ...]):
    with pytest.raises(ValidationError):
        Charset(symbols=symbols)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_have_distinct_symbols(name: str):
    assert set(Charset.named(name).symbols) == set(PRESETS[name])


def test_presets_of_the_original():
    assert set(PRESETS["alphanumeric-upper"]) == set(string.digits + string.ascii_uppercase)
    assert PRESETS["ascii"] == "".join(map(chr, range(32, 127)))


@pytest.mark.parametrize(
    ("text", "symbols", "kind"),
    [
        ("a\nb\né\n", ("a", "b", "é"), "characters"),
        ("x\r\n\\frac\r\n", ("x", "\\frac"), "tokens"),
        (" \n", (" ",), "characters"),
        ("\ufeffa\nb\n", ("a", "b"), "characters"),
    ],
)
def test_a_file_of_symbols(tmp_path, text: str, symbols: tuple[str, ...], kind: str):
    path = tmp_path / "symbols.txt"
    path.write_bytes(text.encode())
    assert Charset.named(str(path)) == Charset(symbols=symbols, kind=kind)


def test_a_file_of_symbols_in_a_bucket(bucket: str):
    storage.write_bytes(f"{bucket}/symbols.txt", b"a\nb\n")
    assert Charset.named(f"{bucket}/symbols.txt").symbols == ("a", "b")
    with pytest.raises(UsageError, match=r"unknown charset 'gs://words/other\.txt'"):
        Charset.named(f"{bucket}/other.txt")


@pytest.mark.parametrize("data", [b"a\na\n", b"\xff\xfe", b""])
def test_a_bad_file_of_symbols_is_named(tmp_path, data: bytes):
    path = tmp_path / "symbols.txt"
    path.write_bytes(data)
    with pytest.raises(UsageError, match=r"charset file .*symbols\.txt"):
        Charset.named(str(path))


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UsageError, match=r"unknown charset 'runes'.* digits"):
        Charset.named("runes")
