"""Where there are few real images: learn to read rendered words of the same characters first.

What a stroke is, and that a line is read from left to right, need not be learnt from the few images there are. Trained
on 678 number plates, models that had begun with rendered words read 96.6 to 97.2 % of the test plates exactly, others
93.8 to 96.6 %.
"""

import logging
import tempfile
from collections import Counter
from pathlib import Path
from unicodedata import bidirectional, category

from aocr_core.config import DataOptions, ModelOptions, PrepareOptions, SynthOptions, TrainOptions
from aocr_core.data.build import build_dataset
from aocr_core.data.info import DatasetInfo, quantile
from aocr_core.data.synth.build import build
from aocr_core.data.synth.fonts import find_fonts
from aocr_core.errors import UsageError

logger = logging.getLogger(__name__)

FEW_IMAGES = 5_000
"""A training on fewer begins with rendered words unless told otherwise."""
IMAGES = 8_000
EPOCHS = 2
TIME_SHARE = 0.2
"""Of a time budget."""

LEAST_SHARE = 0.5
"""Of the characters in the labels that a font must have for its words to be of use."""
MOST_CHARACTERS = 40
"""In a rendered line."""
_RENDERED = ("L", "N", "P", "S")
"""General categories: letters, numbers, punctuation, signs. Marks need a layout that joins them to their letters."""
_RIGHT_TO_LEFT = ("R", "AL")


def alphabet(described: DatasetInfo, data: DataOptions, model: ModelOptions, options: TrainOptions) -> list[str] | None:
    """The characters of the words that a new training begins with; None if it begins without.

    Args:
        described: The data set.
        data: How its labels become symbols.
        model: What the network looks like.
        options: Whether it is asked for; else few images decide.

    Raises:
        UsageError: it is asked for, and cannot be.
    """
    # Whoever names the length of the training, its beginning, or the original's network is to get just that.
    plain = options.num_epoch is None and options.init_from is None and model.preset != "aocr"
    wanted = plain and described.rows < FEW_IMAGES if options.pretrain is None else options.pretrain
    if not wanted:
        return None
    try:
        return _characters(described, data)
    except UsageError as error:
        if options.pretrain:
            raise
        logger.info("the training begins without rendered words: %s", error)
        return None


def _characters(described: DatasetInfo, data: DataOptions) -> list[str]:
    """The characters of the font that has most of what is written in the labels."""
    if data.label_kind == "tokens":
        raise UsageError("tokens cannot be rendered")
    counts: Counter[str] = Counter()
    for symbol, count in described.symbols.items():
        if not symbol.isspace():
            counts[symbol.upper() if data.force_uppercase else symbol] += count
    candidates = [s for s in counts if category(s)[0] in _RENDERED and bidirectional(s) not in _RIGHT_TO_LEFT]
    families = find_fonts(candidates).families.values()
    sets = {face.symbols for faces in families for face in faces}
    best = max(sets, key=lambda symbols: sum(counts[symbol] for symbol in symbols))
    if not best or sum(counts[symbol] for symbol in best) < LEAST_SHARE * counts.total():
        raise UsageError("no font has most of the characters in the labels")
    return sorted(best)


def words(folder: Path, alphabet: list[str], described: DatasetInfo, seed: int) -> str:
    """Render words, or lines of words, as long as a data set's labels.

    Args:
        folder: Where to write them; what an interrupted call finished is used again.
        alphabet: Their characters.
        described: The data set.
        seed: Seed of the words.

    Returns:
        The path of the TFRecords.
    """
    records = folder / "words.tfrecords"
    if records.exists():
        return str(records)
    logger.info("few images: the training begins with rendered words of the same characters (--no-pretrain: without)")
    least, most = (max(1, min(MOST_CHARACTERS, int(quantile(described.label_lengths, q)))) for q in (0.05, 0.95))
    with tempfile.TemporaryDirectory(prefix="aocr-words-") as scratch:
        charset, rendered = Path(scratch) / "charset.txt", Path(scratch) / "words"
        charset.write_text("\n".join(alphabet) + "\n", encoding="utf-8")
        options = SynthOptions(
            count=IMAGES,
            test_count=0,
            min_length=least,
            max_length=most,
            lines=described.symbols.get(" ", 0) >= described.rows / 2,
            charset=str(charset),
            seed=seed,
            workers=1,  # further processes would begin by running the caller's program once more
        )
        build(str(rendered), options)
        build_dataset(str(rendered / "training.txt"), str(records), PrepareOptions(), DataOptions())
    return str(records)


def options_before(options: TrainOptions) -> TrainOptions:
    """How to train on the rendered words before a training with `options`."""
    budget = options.max_minutes and TIME_SHARE * options.max_minutes
    changes = {"pretrain": False, "num_epoch": EPOCHS, "max_minutes": budget, "validation_share": None}
    return options.model_copy(update=changes)


def options_after(options: TrainOptions) -> TrainOptions:
    """How to go on: with what is left of the time."""
    if not options.pretrain or not options.max_minutes:
        return options
    return options.model_copy(update={"max_minutes": (1.0 - TIME_SHARE) * options.max_minutes})
