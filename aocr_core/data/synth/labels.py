"""Which words are rendered for training, and which, never shown in training, for testing."""

import hashlib
import logging
from collections.abc import Iterable
from random import Random
from typing import NamedTuple

from aocr_core.charset import Charset
from aocr_core.config import SynthOptions
from aocr_core.data.synth.words import WordMaker
from aocr_core.errors import UsageError

logger = logging.getLogger(__name__)

DEFAULT_CHARSET = "alphanumeric"
LONGEST_WORD_IN_LINE = 9
_TRIES = 100


class Labels(NamedTuple):
    """One label an image; a training label may come again, in another look."""

    training: list[str]
    testing: list[str]


def held_out(word: str) -> bool:
    """Whether a made-up word belongs to the test words: one word in eight, whatever its case and the seed.

    So a test set of one seed is unseen by a model that was trained on another.
    """
    return hashlib.blake2b(word.casefold().encode(), digest_size=1).digest()[0] % 8 == 0


def made_up(options: SynthOptions) -> Labels:
    """Labels of invented words, or of lines of them.

    Raises:
        UsageError: the options leave too few different words, or contradict each other.
    """
    if options.min_length > options.max_length:
        raise UsageError(f"--min-length {options.min_length} is more than --max-length {options.max_length}")
    maker = WordMaker(_characters(options.charset or DEFAULT_CHARSET).symbols)
    rng = Random(f"labels/{options.seed}")

    def label(testing: bool) -> str:
        for _ in range(_TRIES):
            length = rng.randint(options.min_length, options.max_length)
            sizes = _word_lengths(length, rng) if options.lines else [length]
            words = [_word(maker, size, testing, rng) for size in sizes]
            if None not in words:
                return " ".join(filter(None, words))
        raise UsageError(
            "too few different words to keep test words out of the training: "
            "allow longer ones (--max-length), more characters (--charset), or --test-count 0"
        )

    return Labels([label(False) for _ in range(options.count)], [label(True) for _ in range(options.test_count)])


def given(texts: Iterable[str], options: SynthOptions) -> Labels:
    """Labels out of the user's own words, each used equally often.

    Raises:
        UsageError: no word is left by `--charset`, or a single one cannot serve both training and test.
    """
    words = sorted(set(filter(None, (text.strip() for text in texts))))
    if options.charset:
        charset = _characters(options.charset)
        allowed = [word for word in words if not charset.unknown(word)]
        if len(allowed) < len(words):
            logger.warning("%d words left out: they have characters outside --charset", len(words) - len(allowed))
        words = allowed
    # Spellings that differ in case alone stay together.
    groups: dict[str, list[str]] = {}
    for word in words:
        groups.setdefault(word.casefold(), []).append(word)
    if not groups:
        raise UsageError("--words holds no word that can be rendered")
    if options.test_count and len(groups) == 1:
        raise UsageError("--words holds a single word, which cannot serve training and test: add --test-count 0")
    rng = Random(f"labels/{options.seed}")
    keys = list(groups)
    rng.shuffle(keys)
    share = options.test_count / (options.count + options.test_count)
    tested = min(max(round(len(keys) * share), 1), len(keys) - 1) if options.test_count else 0
    dealt = [[word for key in part for word in groups[key]] for part in (keys[tested:], keys[:tested])]
    return Labels(_repeated(dealt[0], options.count, rng), _repeated(dealt[1], options.test_count, rng))


def _repeated(words: list[str], count: int, rng: Random) -> list[str]:
    """`count` words in random order, each of `words` before any of them comes again."""
    labels: list[str] = []
    while len(labels) < count:
        labels += rng.sample(words, min(len(words), count - len(labels)))
    return labels


def _characters(name: str) -> Charset:
    charset = Charset.named(name)
    if charset.kind == "tokens":
        raise UsageError(f"--charset {name}: only characters can be rendered, not tokens of several characters")
    return charset


def _word(maker: WordMaker, length: int, testing: bool, rng: Random) -> str | None:
    """A word of one side of the split, None if a fair number of tries finds none."""
    tries = (maker.word(rng, length) for _ in range(_TRIES))
    return next((word for word in tries if held_out(word) == testing), None)


def _word_lengths(length: int, rng: Random) -> list[int]:
    """Lengths of words that, with single blanks between them, fill a line of `length` characters."""
    sizes = []
    while length > 0:
        size = min(length, rng.randint(2, LONGEST_WORD_IN_LINE))
        if length - size in (1, 2):  # no room for a blank and a word of two letters
            size = length
        sizes.append(size)
        length -= size + 1
    return sizes
