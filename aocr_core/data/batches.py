"""From records to batches: an endless, shuffled stream for training, one ordered pass for evaluation."""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import tensorflow as tf

from aocr_core.charset import END, FIRST_SYMBOL, GO, PAD, Charset
from aocr_core.data import augment
from aocr_core.data.preprocess import ImageSpec, prepare, round_up, scale

# Batches are filled with images of like width. Each bucket is about a quarter wider than the last, so that little of a
# batch is padding.
NARROWEST_BUCKET = 48
BUCKET_GROWTH = 1.25

LEAST_STRENGTH = 0.3
"""Strength of the distortions at the first step, as a share of the greatest."""

# The decoder sees `PAD` instead of some of the symbols it has written, or it learns which texts are common by heart
# and reads them into images that show something else (Bowman et al., https://arxiv.org/abs/1511.06349, section 3.1).
HIDDEN_SHARE = 0.15

COMMON = 0.1
"""A symbol that occurs this often, per label, is not rare."""
MOST_REPEATS = 5.0

SPLIT_BUCKETS = 10_000
UNCACHED_SHUFFLE = 8192
"""Encoded images held for shuffling when the data set is too large for the cache."""

PARALLEL_CALLS = min(16, os.cpu_count() or 1)
PREFETCHED = 2
"""Batches that are ready before they are asked for."""

BLANKS = r"[\p{Z}\x09-\x0d\x1c-\x1f\x{85}]+"
"""What Python's `str.split` takes for blanks; TensorFlow's knows only those of ASCII."""

FEATURES = {
    "image": tf.io.FixedLenFeature([], tf.string),
    "label": tf.io.FixedLenFeature([], tf.string),
}


@dataclass(frozen=True)
class BatchSpec:
    """How records become batches."""

    image: ImageSpec
    charset: Charset
    batch_size: int
    force_uppercase: bool = False


def _utf8(label: tf.Tensor) -> tf.Tensor:
    """Labels are UTF-8; those of aocr 0.7.6 are latin-1, recognised by not being UTF-8."""
    checked = tf.strings.unicode_transcode(label, "UTF-8", "UTF-8", errors="replace")
    return tf.cond(checked == label, lambda: label, lambda: tf.strings.unicode_transcode(label, "ISO-8859-1", "UTF-8"))


def _parse(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    example = tf.io.parse_single_example(record, FEATURES)
    return example["image"], _utf8(example["label"])


def held_out(image: tf.Tensor, share: float) -> tf.Tensor:
    """Whether an image belongs to the validation share. Decided by its content, so that copies stay together."""
    return tf.strings.to_hash_bucket_fast(image, SPLIT_BUCKETS) < math.ceil(round(share * SPLIT_BUCKETS, 6))


def splits(files: list[str], share: float) -> bool:
    """Whether the share leaves at least one image on either side."""
    sides = (labelled_images(files, share, validation=side).take(1) for side in (True, False))
    return share > 0 and all(any(True for _ in side) for side in sides)


def labelled_images(files: list[str], share: float = 0.0, validation: bool = False) -> tf.data.Dataset:
    """Pairs (encoded image, label bytes) of one side of the split; with `share` 0, all of them."""
    dataset = tf.data.TFRecordDataset(files).map(_parse)
    if share:
        dataset = dataset.filter(lambda image, label: tf.equal(held_out(image, share), validation))
    return dataset


def label_encoder(spec: BatchSpec) -> Callable[[tf.Tensor], tf.Tensor]:
    """A function for the graph: label (UTF-8 scalar) -> ids of its symbols. An unknown symbol gets the id `PAD`."""
    keys = tf.constant(spec.charset.symbols)
    values = tf.range(FIRST_SYMBOL, FIRST_SYMBOL + len(spec.charset))
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, values), default_value=PAD)

    def encode(label: tf.Tensor) -> tf.Tensor:
        if spec.force_uppercase:
            label = tf.strings.upper(label, encoding="utf-8")
        if spec.charset.kind == "tokens":
            return table.lookup(tf.strings.split(tf.strings.regex_replace(label, BLANKS, " ")))
        return table.lookup(tf.strings.unicode_split(label, "UTF-8"))

    return encode


def repeat_rare(
    dataset: tf.data.Dataset, charset: Charset, frequency: Mapping[str, float], seed: int
) -> tf.data.Dataset:
    """Show images with rare symbols more often: repeat-factor sampling (Gupta et al., https://arxiv.org/abs/1908.03195).

    Args:
        dataset: Pairs (pixels, ids).
        charset: The symbols.
        frequency: How often each symbol occurs, per label.
        seed: Seed of the rounding.

    Returns:
        The data set, in which an image whose rarest symbol occurs f times a label comes
        `sqrt(COMMON / f)` times on average, once at least and `MOST_REPEATS` times at most.
    """
    factors = [1.0] * FIRST_SYMBOL
    factors += [
        min(MOST_REPEATS, max(1.0, (COMMON / frequency[s]) ** 0.5)) if s in frequency else 1.0 for s in charset.symbols
    ]
    table = tf.constant(factors)

    def copies(index: tf.Tensor, example: tuple[tf.Tensor, tf.Tensor]) -> tf.data.Dataset:
        factor = tf.reduce_max(tf.concat([tf.gather(table, example[1]), [1.0]], axis=0))
        chance = tf.random.stateless_uniform([], tf.stack([tf.constant(seed, tf.int64), index]))
        return tf.data.Dataset.from_tensors(example).repeat(tf.cast(tf.floor(factor + chance), tf.int64))

    return dataset.enumerate().flat_map(copies)


def _bucketed(
    dataset: tf.data.Dataset, spec: BatchSpec, width_of: Callable[..., tf.Tensor], padding: tuple
) -> tf.data.Dataset:
    bounds, bound = [], float(NARROWEST_BUCKET)
    while bound < spec.image.width:
        bounds.append(int(bound) + 1)
        bound *= BUCKET_GROWTH
    return dataset.bucket_by_sequence_length(
        width_of,
        bucket_boundaries=bounds,
        bucket_batch_sizes=[spec.batch_size] * (len(bounds) + 1),
        padding_values=padding,
    )


def training_batches(
    files: list[str],
    spec: BatchSpec,
    *,
    share: float,
    seed: int,
    rows: int,
    strength: float,
    cache: bool,
    frequency: Mapping[str, float] | None = None,
    first_step: int = 0,
    ramp_steps: int = 1,
    part: tuple[int, int] = (0, 1),
) -> tf.data.Dataset:
    """An endless stream of shuffled training batches; decoding and distortion run in parallel with the training.

    Args:
        files: TFRecord files.
        spec: Sizes, symbols, batch size.
        share: Share of the images that is held out for validation, and not in this stream.
        seed: Seed of order and distortion.
        rows: Number of images in the stream, for the shuffle buffer.
        strength: Greatest strength of the distortions, 0 (none) to 1; so much of `HIDDEN_SHARE` of the symbols that
            the decoder is fed is hidden.
        cache: Keep the prepared images in memory after the first pass.
        frequency: How often each symbol occurs, per label, to show rare ones more often; None: every image as often.
        first_step: Number of the first batch, where a training goes on.
        ramp_steps: Batches until the distortions have their full strength.
        part: `(2, 5)`: only every fifth image, from the third on, where five workers share the data set.

    Returns:
        Dictionaries of `images` `[batch, height, width, channels]` in [-1, 1], `widths` `[batch]`, `inputs` and
        `targets` `[batch, steps]` (GO + symbols, symbols + END, both padded with `PAD`).
    """
    encode = label_encoder(spec)
    dataset = labelled_images(files, share)
    if part[1] > 1:
        dataset = dataset.shard(part[1], part[0])

    def example(image: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return prepare(image, spec.image), encode(label)

    if cache:
        dataset = dataset.map(example, num_parallel_calls=PARALLEL_CALLS).cache()
        dataset = dataset.shuffle(rows, seed=seed + first_step).repeat()
    else:
        dataset = dataset.shuffle(min(rows, UNCACHED_SHUFFLE), seed=seed + first_step).repeat()
        dataset = dataset.map(example, num_parallel_calls=PARALLEL_CALLS)
    if frequency:
        dataset = repeat_rare(dataset, spec.charset, frequency, seed)
    dataset = _bucketed(
        dataset.map(lambda pixels, ids: (pixels, tf.shape(pixels)[1], ids)),
        spec,
        lambda pixels, width, ids: width,
        (tf.constant(0, tf.uint8), 0, PAD),
    )

    def batch(step: tf.Tensor, batch: tuple[tf.Tensor, tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        pixels, widths, ids = batch
        images, fed = scale(round_up(pixels)), ids
        if strength:
            seeds = tf.random.experimental.stateless_split(tf.stack([tf.constant(seed, tf.int64), step]), 2)
            done = tf.minimum(1.0, tf.cast(step, tf.float32) / ramp_steps)
            now = strength * (LEAST_STRENGTH + (1.0 - LEAST_STRENGTH) * done)
            images = augment.distort(images, widths, seeds[0], now)
            fed = tf.where(tf.random.stateless_uniform(tf.shape(ids), seeds[1]) < strength * HIDDEN_SHARE, PAD, ids)
        rows = tf.shape(ids)[0]
        ends = tf.one_hot(
            tf.reduce_sum(tf.cast(ids != PAD, tf.int32), 1), tf.shape(ids)[1] + 1, END, PAD, dtype=tf.int32
        )
        return {
            "images": images,
            "widths": widths,
            "inputs": tf.concat([tf.fill([rows, 1], GO), fed], axis=1),
            "targets": tf.pad(ids, [[0, 0], [0, 1]]) + ends,
        }

    dataset = dataset.enumerate(first_step).map(batch, num_parallel_calls=PARALLEL_CALLS)
    # Workers that know this need not ask one another before each step whether all have a batch.
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))
    return _without_tuning(dataset.prefetch(PREFETCHED))


def _without_tuning(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """The thread that tunes a pipeline sleeps up to a minute and may miss that it is to end: so long a training that is
    over, or interrupted, would wait for it.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def evaluation_batches(
    files: list[str], spec: BatchSpec, *, share: float = 0.0, cache: bool = False
) -> tf.data.Dataset:
    """One pass over the validation share (all records with `share` 0), batched by width.

    Returns:
        Triples of images `[batch, height, width, channels]` in [-1, 1], widths `[batch]` and labels `[batch]` (UTF-8).
    """
    dataset = labelled_images(files, share, validation=True)
    dataset = dataset.map(
        lambda image, label: (prepare(image, spec.image), label), num_parallel_calls=PARALLEL_CALLS
    ).map(lambda pixels, label: (pixels, tf.shape(pixels)[1], label))
    dataset = _bucketed(dataset, spec, lambda pixels, width, label: width, (tf.constant(0, tf.uint8), 0, ""))
    dataset = dataset.cache() if cache else dataset  # as 8-bit pixels, a quarter of the floats
    dataset = dataset.map(lambda pixels, widths, labels: (scale(round_up(pixels)), widths, labels))
    return _without_tuning(dataset.prefetch(PREFETCHED))
