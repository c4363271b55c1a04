"""Text <-> symbol ids. A symbol is a character, or a whole token such as LaTeX's ``\\frac``.

Ids are shared by both heads: 0 is padding for the attention decoder's labels and the blank of CTC, 1 is GO (what
the decoder is fed first), 2 is END; symbols follow from 3. The order of the symbols fixes their ids, so the
charset is saved with every model.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Literal

from pydantic import BaseModel, ConfigDict, field_validator

from aocr_core import storage
from aocr_core.errors import AocrError, UsageError

Kind = Literal["characters", "tokens"]
"""What a symbol is."""

PAD, GO, END = 0, 1, 2
FIRST_SYMBOL = 3

DIGITS = "0123456789"
UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
PRESETS = {
    "digits": DIGITS,
    # What the original aocr knew by default, and with --full-ascii.
    "alphanumeric-upper": DIGITS + UPPER,
    "alphanumeric": DIGITS + UPPER + UPPER.lower(),
    "ascii": "".join(chr(code) for code in range(32, 127)),
}


class Charset(BaseModel):
    """The symbols a model can write, in the order of their ids."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    symbols: tuple[str, ...]
    """Distinct, non-empty; symbol `i` has the id `FIRST_SYMBOL + i`."""
    kind: Kind = "characters"
    """`characters`: a label is a string of code points. `tokens`: a label is tokens separated by blanks."""

    @field_validator("symbols")
    @classmethod
    def _distinct(cls, symbols: tuple[str, ...]) -> tuple[str, ...]:
        if not symbols or "" in symbols:
            raise ValueError("a charset needs at least one symbol, and no empty one")
        if len(set(symbols)) != len(symbols):
            raise ValueError("a charset names each symbol once")
        return symbols

    @classmethod
    def from_labels(cls, labels: Iterable[str], kind: Kind = "characters") -> "Charset":
        """The symbols that occur in `labels`, sorted by code point.

        Raises:
            AocrError: there is no symbol at all.
        """
        symbols: set[str] = set()
        for label in labels:
            symbols.update(label.split() if kind == "tokens" else label)
        if not symbols:
            raise AocrError("the labels hold no characters to learn")
        return cls(symbols=tuple(sorted(symbols)), kind=kind)

    @classmethod
    def named(cls, name: str) -> "Charset":
        """A preset (`digits`, `alphanumeric`, `ascii`, …) or a file with one symbol a line (`gs://` too).

        A file with any line longer than one character is a charset of tokens.

        Raises:
            UsageError: neither a preset nor a file of distinct symbols.
            AocrError: the file cannot be read.
        """
        if name in PRESETS:
            return cls(symbols=tuple(PRESETS[name]))
        if not storage.stat(name):
            raise UsageError(f"unknown charset {name!r}: use a file with one symbol a line, or {', '.join(PRESETS)}")
        try:
            text = storage.read_bytes(name).decode("utf-8-sig")
            symbols = tuple(line for line in re.split("\r\n?|\n", text) if line)
            return cls(symbols=symbols, kind="tokens" if any(len(s) > 1 for s in symbols) else "characters")
        except ValueError as error:  # both UnicodeDecodeError and pydantic's ValidationError
            raise UsageError(f"charset file {name}: {error}") from error

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {symbol: FIRST_SYMBOL + index for index, symbol in enumerate(self.symbols)}

    def __len__(self) -> int:
        return len(self.symbols)

    @property
    def size(self) -> int:
        """Number of ids, the three special ones included: the width of the logits."""
        return FIRST_SYMBOL + len(self.symbols)

    def split(self, text: str) -> list[str]:
        """The text as a list of symbols, known or not."""
        return text.split() if self.kind == "tokens" else list(text)

    def join(self, symbols: Sequence[str]) -> str:
        """The text that a list of symbols stands for."""
        return (" " if self.kind == "tokens" else "").join(symbols)

    def unknown(self, text: str) -> list[str]:
        """The symbols of `text` that this charset does not have, each once, in order of appearance."""
        return list(dict.fromkeys(symbol for symbol in self.split(text) if symbol not in self._ids))

    def encode(self, text: str) -> list[int]:
        """Ids of the symbols of `text`, without GO and END.

        Raises:
            AocrError: a symbol is not in the charset; the message names all of them.
        """
        if unknown := self.unknown(text):
            raise AocrError(f"label {text!r} has symbols that are not in the charset: {' '.join(unknown)}")
        return [self._ids[symbol] for symbol in self.split(text)]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of a sequence of ids, up to the first END; padding and GO are passed over."""
        symbols = []
        for identifier in ids:
            if identifier == END:
                break
            if identifier >= FIRST_SYMBOL:
                symbols.append(self.symbols[identifier - FIRST_SYMBOL])
        return self.join(symbols)
