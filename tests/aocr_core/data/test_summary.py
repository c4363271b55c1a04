import io

from rich.console import Console

from aocr_core.data import summary
from aocr_core.data.info import DatasetInfo, Spread

INFO = DatasetInfo(
    rows=1000,
    symbols={"a": 500, " ": 40, "é": 9, "\u0301": 3},
    tokens={r"\frac": 20, "x": 2},
    label_lengths={3: 600, 12: 400},
    token_lengths={1: 1000},
    aspect_ratios={"2.0": 999, "30.0": 1},
    widths=Spread(min=20, median=60, max=900),
    heights=Spread(min=30, median=30, max=32),
    rejected={"no such file": 7},
    warnings={"uniform image": 2},
)


def printed(kind: summary.Kind = "characters") -> str:
    console = Console(file=io.StringIO(), width=100)
    summary.render(INFO, kind, console)
    return console.file.getvalue()


def test_the_table_shows_what_matters():
    text = printed()
    for part in ("1000 labelled images", "900", "30", "label, characters", "a 500", "␣ 40", "é 9!", "◌\u0301 3!"):
        assert part in text
    assert "label, tokens" in printed("tokens") and r"\frac 20" in printed("tokens") and "x 2!" in printed("tokens")


def test_remarks():
    assert summary.remarks(INFO) == [
        "7x rejected: no such file",
        "2x uniform image",
        "2 of 4 characters occur fewer than 10 times: they will hardly be learnt",
        "labels mix composed (é) and decomposed (e + ́) letters: to the model these are different texts",
        "the widest image is 30 times wider than tall, nearly all others at most 2 times",
    ]
    assert any("only 20 images" in remark for remark in summary.remarks(DatasetInfo(rows=20)))


def test_a_clean_data_set_has_nothing_to_watch_for():
    clean = DatasetInfo(rows=5000, symbols={"a": 5000}, label_lengths={1: 5000}, aspect_ratios={"1.0": 5000})
    assert summary.remarks(clean) == []
    console = Console(file=io.StringIO())
    summary.render(clean, "characters", console)
    assert "Nothing to watch for" in console.file.getvalue()
    summary.render(clean, "tokens", console)
    assert "more different tokens than are counted" in console.file.getvalue()
