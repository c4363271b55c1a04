from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aocr_core.charset import PRESETS
from aocr_core.data.synth.words import WordMaker
from aocr_core.errors import UsageError

symbols = st.sampled_from(sorted({*"".join(PRESETS.values()), *"éÉüßñÇ", *"αβΩ", *"дЖ", *"日本", "€"})) | st.characters(
    exclude_categories=["Cs", "Cc"]
)


def words(alphabet: str, length: int, count: int = 300) -> list[str]:
    maker, rng = WordMaker(alphabet), Random(1)
    return [maker.word(rng, length) for _ in range(count)]


@given(st.sets(symbols, min_size=1, max_size=80), st.integers(1, 30), st.integers())
def test_a_word_has_the_length_and_the_symbols_that_were_asked_for(alphabet, length, seed):
    if all(symbol.isspace() for symbol in alphabet):
        return
    word = WordMaker(alphabet).word(Random(seed), length)
    assert len(word) == length
    assert set(word) <= alphabet
    assert not any(symbol.isspace() for symbol in word)


def test_all_symbols_of_a_preset_occur():
    for name, alphabet in PRESETS.items():
        made = words(alphabet, 7, 4000)
        assert set("".join(made)) == set(alphabet) - {" "}, name


def test_letters_come_in_three_cases_with_numbers_and_codes():
    made = words(PRESETS["alphanumeric"], 6)
    kinds = {
        "lower": str.islower,
        "upper": lambda word: word.isupper() and word.isalpha(),
        "title": str.istitle,
        "number": str.isdigit,
        "code": lambda word: word.isupper() and not word.isalpha(),
    }
    for name, belongs in kinds.items():
        assert sum(map(belongs, made)) > 10, name


def test_words_can_be_pronounced_and_codes_cannot_be_misread():
    for word in words(PRESETS["alphanumeric"], 6):
        if word.isalpha():
            assert set(word.lower()) & set("aeiouy"), word
            assert not set("ckopsuvwxyz").issuperset(word.lower()), f"{word}: upper or lower case?"
        elif word[:3].isalnum() and not word.isdigit() and not word[:3].isalpha():
            assert not set("O0I") & set(word), word


def test_accents_are_put_on_the_letters_that_have_them():
    made = words(PRESETS["alphanumeric"] + "éèÉ", 6, 1000)
    assert any("é" in word for word in made)
    assert all(not word.replace("é", "").replace("è", "").isupper() for word in made if {"é", "è"} & set(word))


def test_brackets_are_closed():
    around = [word for word in words(PRESETS["ascii"], 8, 3000) if word[0] == "(" and not word[-1].isalnum()]
    assert around
    assert all(word[-1] == ")" for word in around)


def test_blanks_alone_make_no_words():
    with pytest.raises(UsageError, match="--charset"):
        WordMaker({" "})
