"""How symbols, shares and texts are shown to people."""

import unicodedata

NAME_LENGTH = 48
"""Characters of a text that go into a file name: at 4 bytes each well below the 255 bytes of common file systems."""


def visible(symbol: str) -> str:
    """The symbol itself, or something that can be seen in its place.

    A blank becomes `␣`, a combining mark sits on `◌`, other invisible characters become their code points
    (`U+200C`); no symbol at all is `∅`.
    """
    if len(symbol) != 1:
        return symbol or "∅"
    if symbol == " ":
        return "␣"
    category = unicodedata.category(symbol)
    if category.startswith("M"):
        return "◌" + symbol
    if category[0] in "ZC":
        return f"U+{ord(symbol):04X}"
    return symbol


def percent(share: float | None, digits: int = 1) -> str:
    """`0.973` -> `97.3 %`; what cannot be computed (a share of nothing) is `—`."""
    return "—" if share is None else f"{100 * share:.{digits}f} %"


def file_name(text: str) -> str:
    """A text as a part of a file name: letters and digits of all scripts stay, the rest becomes `_`; cut if long."""
    return "".join(c if c.isalnum() or c in "-+=." else "_" for c in text[:NAME_LENGTH])


def tsv_line(*fields: object) -> str:
    """One row in one line: tabs, newlines and returns inside a field become `\\t`, `\\n`, `\\r`.

    Backslashes stay single, so that LaTeX stays readable; no token of LaTeX holds a tab.
    """
    escapes = str.maketrans({"\t": "\\t", "\n": "\\n", "\r": "\\r"})
    return "\t".join(str(field).translate(escapes) for field in fields) + "\n"
