import logging
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aocr_core.charset import PRESETS
from aocr_core.config import SynthOptions
from aocr_core.data.synth import labels
from aocr_core.errors import UsageError


def folded(texts):
    return {word.casefold() for text in texts for word in text.split(" ")}


@given(
    st.sampled_from(sorted(PRESETS)),
    st.booleans(),
    st.integers(2, 12),
    st.integers(0, 20),
    st.integers(0, 1000),
)
@settings(max_examples=40, deadline=None)
def test_no_test_word_is_a_training_word(charset, lines, shortest, more, seed):
    options = SynthOptions(
        count=200,
        test_count=50,
        charset=charset,
        lines=lines,
        min_length=shortest,
        max_length=shortest + more,
        seed=seed,
    )
    dealt = labels.made_up(options)
    assert (len(dealt.training), len(dealt.testing)) == (200, 50)
    assert not folded(dealt.training) & folded(dealt.testing)
    for text in dealt.training + dealt.testing:
        assert shortest <= len(text) <= shortest + more
        assert set(text) <= set(PRESETS[charset]) | ({" "} if lines else set())
        assert text == " ".join(text.split())


def test_test_words_of_one_seed_are_new_to_the_training_of_another():
    first, second = (labels.made_up(SynthOptions(seed=seed)) for seed in (1, 2))
    assert not folded(first.training) & folded(second.testing)
    assert first != second


def test_the_same_seed_gives_the_same_labels():
    assert labels.made_up(SynthOptions(seed=3)) == labels.made_up(SynthOptions(seed=3))


def test_lines_have_several_words():
    dealt = labels.made_up(SynthOptions(lines=True, min_length=30, max_length=40))
    assert all(text.count(" ") >= 2 for text in dealt.training)


@given(st.lists(st.text("abAB ", min_size=1), min_size=1, max_size=30), st.integers(1, 40), st.integers(0, 10))
@settings(deadline=None)
def test_own_words_are_dealt_out_by_the_word(texts, count, test_count):
    options = SynthOptions(count=count, test_count=test_count)
    distinct = {text.strip() for text in texts} - {""}
    if not distinct or (test_count and len({text.casefold() for text in distinct}) == 1):
        with pytest.raises(UsageError, match="--words"):
            labels.given(texts, options)
        return
    dealt = labels.given(texts, options)
    assert (len(dealt.training), len(dealt.testing)) == (count, test_count)
    assert {*dealt.training, *dealt.testing} <= distinct
    assert not {t.casefold() for t in dealt.training} & {t.casefold() for t in dealt.testing}


def test_own_words_are_used_equally_often():
    dealt = labels.given(["one", "two", "three"], SynthOptions(count=30, test_count=0))
    assert Counter(dealt.training) == {"one": 10, "two": 10, "three": 10}


def test_own_words_outside_the_charset_are_left_out_and_counted(caplog):
    with caplog.at_level(logging.WARNING, "aocr_core"):
        dealt = labels.given(["12", "x1", "y", "34"], SynthOptions(count=4, test_count=2, charset="digits"))
    assert {*dealt.training, *dealt.testing} == {"12", "34"}
    assert "2 words left out" in caplog.text


@pytest.mark.parametrize(
    ("given_options", "message"),
    [
        ({"min_length": 12}, "--min-length 12 is more than --max-length 10"),
        ({"charset": "nothing"}, "unknown charset 'nothing'"),
        ({"charset": "few.txt", "min_length": 1, "max_length": 1}, "too few different words"),
        ({"charset": "tokens.txt"}, "only characters can be rendered"),
    ],
)
def test_what_cannot_be_made_is_refused(given_options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "few.txt").write_text("1\n")
    (tmp_path / "tokens.txt").write_text("x\n\\frac\n")
    with pytest.raises(UsageError, match=message):
        labels.made_up(SynthOptions(**given_options))
