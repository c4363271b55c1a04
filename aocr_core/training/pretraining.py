"""Where there are few real images: learn to read rendered words of the same characters first.

What a stroke is, and that a line is read from left to right, need not be learnt from the few images there are. Single
trainings with seed 1 on 678 number plates that began with rendered words, in three variants, read 96.6 to 97.2 % of the
test plates exactly; the one that began without, 94.9 %.
"""

import logging
from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path
from random import Random
from unicodedata import category

from PIL import features

from aocr_core.config import FEW_IMAGES, LEAST_MINUTES, DataOptions, PrepareOptions, SynthOptions, TrainOptions
from aocr_core.data import records
from aocr_core.data.build import build_dataset
from aocr_core.data.info import DatasetInfo, quantile
from aocr_core.data.synth.build import build
from aocr_core.data.synth.fonts import find_fonts
from aocr_core.direction import right_to_left
from aocr_core.errors import UsageError
from aocr_core.model_dir import ModelConfig

logger = logging.getLogger(__name__)

TIME_SHARE = 0.2
"""Of a time budget that the training on words may take; rendering them comes on top."""
IMAGES = 8_000
EPOCHS = 2

LEAST_SHARE = 0.5
"""Of what is written in the labels: so much must a font have for its words to be of use."""
MOST_CHARACTERS = 500
"""To look for in the fonts, the most frequent ones."""
LONGEST = 40
"""Characters in a rendered line."""
LEAST_WORDS = 50
"""Different ones that the labels must have, for lines to be made of them; else words are made up."""
_RENDERED = ("L", "N", "P", "S")
"""General categories: letters, numbers, punctuation, signs. Marks need a layout that joins them to their letters."""


def wanted(described: DatasetInfo, config: ModelConfig, given: TrainOptions) -> bool:
    """Whether a new training is to begin with rendered words, if there can be any.

    Args:
        described: The data set.
        config: The complete configuration.
        given: The options of training as they were given.
    """
    if given.pretrain != "auto":
        return given.pretrain == "always"
    # Whoever names the length of the training, or the original's network, is to get just that.
    plain = given.num_epoch is None and config.options.preset != "aocr"
    time = given.max_minutes is None or given.max_minutes >= LEAST_MINUTES
    return plain and time and described.rows < FEW_IMAGES


def render(folder: Path, files: Iterable[str], described: DatasetInfo, config: ModelConfig) -> str:
    """Render words as long as a data set's labels and of the same characters. Where the labels are lines of words,
    lines of those words: so the decoder also learns which letters follow each other.

    Args:
        folder: Where to write; the same data set and configuration give the same words.
        files: The data set's TFRecords.
        described: The data set.
        config: The complete configuration.

    Returns:
        The path of the TFRecords.

    Raises:
        AocrError: there are no usable fonts, none that has enough of the characters, or too few different words.
    """
    alphabet = characters(described, config)
    missing = len(set(config.charset.symbols) - {" ", *alphabet})
    charset = folder / "charset.txt"
    charset.write_text("\n".join(alphabet) + "\n", encoding="utf-8")
    logger.info(
        "few images: the training begins with %d rendered words of the same characters%s; after them come the images",
        IMAGES,
        f", without {missing} that the font has not" if missing else "",
    )
    least, most = (max(1, min(LONGEST, int(quantile(described.label_lengths, q)))) for q in (0.05, 0.95))
    lines = described.symbols.get(" ", 0) >= described.rows / 2
    source = {"charset": str(charset), "min_length": least, "max_length": most, "lines": lines}
    if lines and len(words := _words_in(files, alphabet, config.data.force_uppercase)) >= LEAST_WORDS:
        source = {"words": str(folder / "lines.txt")}
        text = "\n".join(_lines_of(words, least, most, Random(config.training.seed)))
        (folder / "lines.txt").write_text(text, encoding="utf-8")
    # One worker: further processes would begin by running the caller's program once more.
    options = SynthOptions.model_validate(
        {"count": IMAGES, "test_count": 0, "seed": config.training.seed, "workers": 1} | source
    )
    output = str(folder / "words.tfrecords")
    build(str(folder / "words"), options)
    build_dataset(str(folder / "words" / "training.txt"), output, PrepareOptions(), DataOptions())
    return output


def characters(described: DatasetInfo, config: ModelConfig) -> list[str]:
    """The characters of the font that has most of what is written in the labels.

    Raises:
        AocrError: there are no usable fonts, or none that has enough of the characters.
    """
    if config.charset.kind == "tokens":
        raise UsageError("tokens cannot be rendered")
    counts = described.symbol_counts(uppercase=config.data.force_uppercase)
    # What joins letters and puts them in order from right to left; not every build of Pillow has it.
    joins = features.check("raqm")
    candidates = [
        character
        for character, _ in counts.most_common(MOST_CHARACTERS)
        if category(character)[0] in _RENDERED and (joins or not right_to_left(character))
    ]
    faces = [face for family in find_fonts(candidates).families.values() for face in family]
    best = max((sorted(face.symbols) for face in faces), key=lambda found: (sum(counts[c] for c in found), found))
    visible = sum(count for character, count in counts.items() if not character.isspace())
    if not best or sum(counts[character] for character in best) < LEAST_SHARE * visible:
        raise UsageError("no installed font has most of the characters in the labels")
    return best


def _words_in(files: Iterable[str], alphabet: Collection[str], uppercase: bool) -> Counter[str]:
    """The words of the labels that have no other characters than the alphabet's, and how often each occurs."""
    labels = (record.label.upper() if uppercase else record.label for record in records.read(files))
    return Counter(word for label in labels for word in label.split() if set(word) <= set(alphabet))


def _lines_of(words: Counter[str], least: int, most: int, chance: Random) -> list[str]:
    """Lines of words at random, each as likely as it is frequent, of `least` to `most` characters where words allow."""
    text = [word for word in words.elements() if len(word) <= most] or list(words)
    lines = []
    for _ in range(IMAGES):
        line, enough = chance.choice(text), chance.randint(least, most)
        while len(line) < enough and len(longer := f"{line} {chance.choice(text)}") <= most:
            line = longer
        lines.append(line)
    return lines


def options_for(options: TrainOptions) -> TrainOptions:
    """How to learn the words before a training with `options`, which are resolved."""
    budget = options.max_minutes and TIME_SHARE * options.max_minutes
    changes = {"pretrain": "never", "num_epoch": EPOCHS, "max_minutes": budget, "validation_share": None}
    return options.model_copy(update=changes)
