from benchmarks.formats import Readings, row


def exact(text: str, label: str, kind: str) -> str:
    found = Readings([text], [0.9], 1.0)
    return row("ONNX", 1.0, found, found, [label], kind)[0][4]


def test_blanks_between_tokens_make_no_difference():
    assert exact("\\frac  x", "\\frac x", "tokens") == "100.0%"
    assert exact("a  b", "a b", "characters") == "0.0%"
