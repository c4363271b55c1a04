"""A data set in words and numbers, for its owner: what is in it, and what to watch for before training on it."""

import unicodedata
from collections.abc import Mapping
from itertools import islice

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from aocr_core.charset import Kind
from aocr_core.data.info import DatasetInfo, quantile
from aocr_core.display import visible

RARE = 10
"""A symbol that occurs less often is hardly learnt."""

FEW_ROWS = 500
_BARS = "▁▂▃▄▅▆▇█"
_BINS = 24
_MOST_SYMBOLS = 400


def render(info: DatasetInfo, kind: Kind, console: Console) -> None:
    """Print the description of a data set."""
    console.print(_sizes(info, kind), _symbols(info, kind), _remarks(info, kind), sep="\n")


def remarks(info: DatasetInfo, kind: Kind = "characters") -> list[str]:
    """What to watch for, a sentence each."""
    symbols = info.symbol_counts(kind)
    found = [f"{count}x rejected: {reason}" for reason, count in info.rejected.items()]
    found += [f"{count}x {warning}" for warning, count in info.warnings.items()]
    if info.rows < FEW_ROWS:
        found.append(f"only {info.rows} images: expect little, or add rendered ones (`aocr synth`)")
    if rare := sum(count < RARE for count in symbols.values()):
        found.append(f"{rare} of {len(symbols)} {kind} occur fewer than {RARE} times: they will hardly be learnt")
    if kind == "characters" and _mixed_forms(symbols):
        found.append("labels mix composed (é) and decomposed (e + ́) letters: to the model these are different texts")
    common, widest = info.aspect_quantile(0.995), info.aspect_quantile(1.0)
    if widest > 2 * common:
        found.append(
            f"the widest image is {widest:g} times wider than tall, nearly all others at most {common:g} times"
        )
    return found


def _mixed_forms(symbols: Mapping[str, int]) -> bool:
    marks = {symbol for symbol in symbols if unicodedata.combining(symbol)}
    return any(marks & set(unicodedata.normalize("NFD", symbol)) for symbol in symbols if symbol not in marks)


def _sizes(info: DatasetInfo, kind: Kind) -> RenderableType:
    table = Table(title=f"{info.rows} labelled images", title_justify="left", title_style="bold")
    for column in ("", "min", "median", "95 %", "max"):
        table.add_column(column, justify="left" if not column else "right")
    table.add_column("")
    lengths = info.token_lengths if kind == "tokens" else info.label_lengths
    aspects = {float(ratio): count for ratio, count in info.aspect_ratios.items()}
    for name, spread in (("width, pixels", info.widths), ("height, pixels", info.heights)):
        table.add_row(name, str(spread.min), str(spread.median), "", str(spread.max))
    for name, counts in (("width / height", aspects), (f"label, {kind}", lengths)):
        points = (quantile(counts, q) for q in (0, 0.5, 0.95, 1))
        table.add_row(name, *(f"{point:g}" for point in points), _histogram(counts))
    return table


def _histogram(counts: Mapping[float, int] | Mapping[int, int]) -> str:
    """How values are spread from the least to the greatest, as a row of bars."""
    if len(counts) < 2:
        return ""
    low, high = min(counts), max(counts)
    bins = [0] * _BINS
    for value, count in counts.items():
        bins[min(int((value - low) / (high - low) * _BINS), _BINS - 1)] += count
    top = max(bins)
    return "".join(_BARS[-(-count * (len(_BARS) - 1) // top)] if count else " " for count in bins)


def _symbols(info: DatasetInfo, kind: Kind) -> RenderableType:
    symbols = info.symbol_counts(kind)
    if not symbols:
        return Text(f"more different {kind} than are counted")
    shown = []
    for symbol, count in islice(symbols.items(), _MOST_SYMBOLS):
        rare = count < RARE
        shown.append(Text.assemble((visible(symbol), "bold"), f" {count}{'!' * rare}", style="red" if rare else ""))
    title = f"{len(symbols)} {kind}, with how often each occurs (!: fewer than {RARE} times)"
    left_out = len(symbols) - len(shown)
    more = [Text(f"… and {left_out} more, rarer ones (--json has all)")] if left_out else []
    return Group(Text(f"\n{title}", style="bold"), Columns(shown, padding=(0, 2)), *more)


def _remarks(info: DatasetInfo, kind: Kind) -> RenderableType:
    found = remarks(info, kind)
    if not found:
        return Text("\nNothing to watch for.")
    return Group(Text("\nTo watch for", style="bold"), *(Text(f"  {remark}") for remark in found))
