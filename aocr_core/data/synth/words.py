"""A small language that nobody speaks: words that can be pronounced, numbers and codes, over a given alphabet.

What cannot be told apart on paper is kept out of the labels: no `O`, `0` or `I` in a code, no capital `I`
before a vowel (it would pass for an `l`), no word such as `vox` whose letters look alike in both cases.
"""

import unicodedata
from collections.abc import Callable, Collection
from random import Random
from string import ascii_lowercase, ascii_uppercase, digits
from typing import NamedTuple

from aocr_core.errors import UsageError

# Sounds that begin, carry and close a syllable; what is named twice is twice as frequent.
_ONSETS = (
    "b c d f g h j k l m n p r s t v w y z b c d f g h l m n p r s t bl br ch cl cr dr fl fr gl gr kn ph pl pr qu "
    "sc sh sk sl sm sn sp st str sw th tr tw wh"
)
_NUCLEI = "a a a e e e e i i i o o o u u ai au ay ea ee ei oa oi oo ou y"
_CODAS = "b ck d f ft g k l ld ll lt m mp n nd ng nk nt p pt r rd rk rm rn rt s sk ss st t th v x z"
_OPEN_SYLLABLES = 0.45
_CASE_BLIND = frozenset("ckopsuvwxyz")
"""Letters whose capital is only a larger copy of the small letter."""
_MISLEADING_IN_CODES = frozenset("OIol0")
_BRACKETS = {"(": ")", "[": "]", "{": "}", "<": ">"}
_ACCENT_SHARE = 0.25
_TRIES = 20


class _Kind(NamedTuple):
    weight: float
    least: int
    """Fewest characters that such a word can have."""
    make: Callable[[Random, int], str]


class Syllables:
    """Pronounceable strings over some of the small Latin letters."""

    def __init__(self, letters: Collection[str]) -> None:
        self._onsets, self._nuclei, self._codas = (
            [part for part in parts.split() if set(part) <= set(letters)] for parts in (_ONSETS, _NUCLEI, _CODAS)
        )

    def __bool__(self) -> bool:
        return bool(self._onsets and self._nuclei)

    def word(self, rng: Random, length: int) -> str:
        """A word of exactly `length` letters."""
        for _ in range(_TRIES):
            text = "" if rng.random() < 0.8 else self._rhyme(rng)
            while len(text) < length:
                text += rng.choice(self._onsets) + self._rhyme(rng)
            if len(text) == length:
                break
        return text[:length]  # cut short only where the letters make no word of this length

    def _rhyme(self, rng: Random) -> str:
        nucleus = rng.choice(self._nuclei)
        return nucleus if rng.random() < _OPEN_SYLLABLES or not self._codas else nucleus + rng.choice(self._codas)


class WordMaker:
    """Makes words out of `symbols`, which may be any characters.

    Latin letters become words in lower, Title and UPPER case, digits become numbers, both together codes; accents are
    put on the letters that have them in `symbols`; marks are set around words. Letters of other scripts, for which
    there is no syllable model, become strings without sense.

    Raises:
        UsageError: there are no symbols, or only blanks.
    """

    def __init__(self, symbols: Collection[str]) -> None:
        self._symbols = sorted({symbol for symbol in symbols if not symbol.isspace()})
        if not self._symbols:
            raise UsageError("words cannot be made of blanks alone: choose another --charset")
        available = frozenset(self._symbols)
        self._digits = [symbol for symbol in self._symbols if symbol in digits]
        self._accents = _accents(available)
        accented = {symbol for variants in self._accents.values() for symbol in variants}
        rest = available - accented - set(ascii_lowercase + ascii_uppercase + digits)
        self._letters = sorted(symbol for symbol in rest if symbol.isalpha())
        self._marks = sorted(rest.difference(self._letters))
        self._small = Syllables([letter for letter in ascii_lowercase if letter in available])
        self._large = Syllables([letter for letter in ascii_lowercase if letter.upper() in available])
        self._both = Syllables([letter for letter in ascii_lowercase if {letter, letter.upper()} <= available])
        letters = available & set(ascii_uppercase) or available & set(ascii_lowercase)
        self._code_letters = sorted(letters - _MISLEADING_IN_CODES)
        self._code_digits = sorted(set(self._digits) - _MISLEADING_IN_CODES)
        self._plain = self._plain_kinds()
        self._kinds = [*self._plain, _Kind(0.5, 2, self._marked)] if self._plain and self._marks else self._plain

    def word(self, rng: Random, length: int) -> str:
        """A word of exactly `length` characters, none of them a blank."""
        return self._of(self._kinds, rng, length)

    def _of(self, kinds: list[_Kind], rng: Random, length: int) -> str:
        fitting = [kind for kind in kinds if kind.least <= length] or [_Kind(1, 1, self._any)]
        return rng.choices(fitting, [kind.weight for kind in fitting])[0].make(rng, length)

    def _plain_kinds(self) -> list[_Kind]:
        kinds = []
        if self._small:
            kinds.append(_Kind(0.30, 1, self._lower))
        if self._large:
            kinds.append(_Kind(0.20, 1, self._upper))
        if self._both:
            kinds.append(_Kind(0.20, 2, self._title))
        if self._digits:
            kinds.append(_Kind(0.10, 1, self._number))
        if self._code_digits and self._code_letters:
            kinds.append(_Kind(0.10, 2, self._code_word))
        if self._digits and (self._small or self._large):
            kinds.append(_Kind(0.10, 4, self._word_and_number))
        if self._letters:
            kinds.append(_Kind(0.50, 1, self._foreign))
        return kinds

    def _lower(self, rng: Random, length: int) -> str:
        return self._accented(rng, _clear(self._small, rng, length))

    def _upper(self, rng: Random, length: int) -> str:
        return self._accented(rng, _clear(self._large, rng, length).upper())

    def _title(self, rng: Random, length: int) -> str:
        return self._accented(rng, _clear(self._both, rng, length).capitalize())

    def _number(self, rng: Random, length: int) -> str:
        first = rng.choice([digit for digit in self._digits if digit != "0"] or self._digits)
        return first + "".join(rng.choices(self._digits, k=length - 1))

    def _code_word(self, rng: Random, length: int) -> str:
        parts = [rng.choice(self._code_letters), rng.choice(self._code_digits)]
        parts += rng.choices(self._code_letters + self._code_digits, k=length - 2)
        rng.shuffle(parts)
        return "".join(parts)

    def _word_and_number(self, rng: Random, length: int) -> str:
        tail = rng.randint(1, min(3, length - 3))
        cases = [(self._lower, self._small), (self._upper, self._large), (self._title, self._both)]
        make = rng.choice([make for make, syllables in cases if syllables])
        return make(rng, length - tail) + self._number(rng, tail)

    def _foreign(self, rng: Random, length: int) -> str:
        return "".join(rng.choices(self._letters, k=length))

    def _any(self, rng: Random, length: int) -> str:
        return "".join(rng.choices(self._symbols, k=length))

    def _marked(self, rng: Random, length: int) -> str:
        """A word before, after, around or between marks."""
        mark = rng.choice(self._marks)
        closing = _BRACKETS.get(mark, mark)
        form = rng.randrange(4)
        if form == 0 and length >= 3 and closing in self._marks:
            return mark + self._of(self._plain, rng, length - 2) + closing
        if form == 1 and length >= 3:
            left = rng.randint(1, length - 2)
            return self._of(self._plain, rng, left) + mark + self._of(self._plain, rng, length - 1 - left)
        word = self._of(self._plain, rng, length - 1)
        return mark + word if form == 2 else word + mark

    def _accented(self, rng: Random, text: str) -> str:
        if not self._accents:
            return text
        return "".join(
            rng.choice(self._accents[letter]) if letter in self._accents and rng.random() < _ACCENT_SHARE else letter
            for letter in text
        )


def _clear(syllables: Syllables, rng: Random, length: int) -> str:
    """A word whose case can be seen, where the alphabet has such words (a few tries find one)."""
    for _ in range(_TRIES):
        word = syllables.word(rng, length)
        if not _CASE_BLIND.issuperset(word):
            break
    return word


def _accents(symbols: frozenset[str]) -> dict[str, list[str]]:
    """Base letter -> its accented forms in `symbols`, for bases that are Latin letters of `symbols` themselves."""
    accents: dict[str, list[str]] = {}
    for symbol in sorted(symbols):
        base = unicodedata.normalize("NFD", symbol)[0]
        if base != symbol and base in symbols and base in ascii_lowercase + ascii_uppercase:
            accents.setdefault(base, []).append(symbol)
    return accents
