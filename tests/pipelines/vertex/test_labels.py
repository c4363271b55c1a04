import pytest
from hypothesis import given
from hypothesis import strategies as st

from aocr_core.errors import UsageError
from pipelines.vertex import labels

KEYS = st.from_regex(r"[a-z][a-z0-9_-]{0,62}", fullmatch=True)
VALUES = st.from_regex(r"[a-z0-9_-]{0,63}", fullmatch=True)


@given(wanted=st.dictionaries(KEYS, VALUES, max_size=64))
def test_labels_that_google_takes_are_taken(wanted: dict[str, str]):
    assert labels.parse(f"{key}={value}" for key, value in wanted.items()) == wanted


@pytest.mark.parametrize("pair", ["größe=klein", "zweck=", "a=1-b_c", "данные=да"])
def test_other_scripts_are_allowed(pair: str):
    assert labels.parse([pair]) == dict([pair.split("=")])


REFUSED = ["Team=ocr", "team=OCR", "1=a", "_a=b", "-a=b", "=b", "a=b=c", "a=b c", "a b=c", "a=b.c", "GRÖßE=klein"]


@pytest.mark.parametrize("pair", [*REFUSED, f"{'a' * 64}=b", f"a={'b' * 64}"])
def test_labels_that_google_refuses_are_refused(pair: str):
    with pytest.raises(UsageError, match=r"--label .*only lower-case letters"):
        labels.parse([pair])


def test_other_mistakes_are_told():
    with pytest.raises(UsageError, match="--label team: write KEY=VALUE"):
        labels.parse(["team"])
    with pytest.raises(UsageError, match="--label a is given twice: 1 and 2"):
        labels.parse(["a=1", "a=1", "a=2"])
    with pytest.raises(UsageError, match="65 labels are too many"):
        labels.parse([f"a{number}=" for number in range(65)])
