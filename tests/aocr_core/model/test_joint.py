import numpy as np
import pytest

from aocr_core.charset import END, FIRST_SYMBOL
from aocr_core.config import ReadOptions
from aocr_core.model import beam, ctc, joint
from aocr_core.model.recognizer import Encoded
from tests.aocr_core import small

STEPS = 5


def read(model, images: np.ndarray, widths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    ids, logs = model.read(images, widths, STEPS)
    return np.asarray(ids), np.asarray(logs)


def images(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Noise `[rows, 16, 48, 1]`, and its widths."""
    noise = np.random.default_rng(1).uniform(-1, 1, (rows, 16, 48, 1)).astype(np.float32)
    return noise, np.full(rows, 48, np.int32)


def test_of_two_readings_the_likelier_is_taken_with_the_decoders_probability():
    model = small.model()
    model.ctc.kernel.assign(8 * model.ctc.kernel.numpy())  # a head with opinions
    encoded = model.encode(*images(24))
    greedy = model.decoder.greedy(*encoded, STEPS)
    logits = model.ctc(encoded.memory)
    other = ctc.best_path(logits, encoded.lengths, STEPS)
    judged = model.decoder.judge(*encoded, other)
    both = [
        joint.CTC_SHARE * ctc.log_probability(logits, encoded.lengths, found.ids).numpy()
        + (1 - joint.CTC_SHARE) * found.log_probabilities.numpy().sum(1)
        for found in (greedy, judged)
    ]
    finished = (np.asarray(greedy.ids) == END).any(axis=1)
    better = ((both[1] > both[0]) | ~finished) & (np.asarray(other) == END).any(axis=1)
    assert better.any() and not better.all()
    ids, logs = read(model, *images(24))
    np.testing.assert_array_equal(ids, np.where(better[:, None], other, greedy.ids))
    want = np.where(better[:, None], judged.log_probabilities, greedy.log_probabilities)
    np.testing.assert_allclose(logs, want, atol=1e-4)


def test_without_joint_decoding_the_ctc_head_is_not_asked():
    model = small.model(joint_decoding=False)
    model.ctc.kernel.assign(8 * model.ctc.kernel.numpy())
    np.testing.assert_array_equal(
        read(model, *images(24))[0], model.decoder.greedy(*model.encode(*images(24)), STEPS).ids
    )


def opinionated(memory: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the decoder, the CTC head and both together read from encoder outputs `[batch, time, features]`."""
    model = small.model()
    model.ctc.kernel.assign(8 * model.ctc.kernel.numpy())
    model.decoder.score.kernel.assign(8 * model.decoder.score.kernel.numpy())
    encoded = Encoded(memory, np.full(len(memory), memory.shape[1], np.int32))
    greedy = model.decoder.greedy(*encoded, STEPS)
    other = ctc.best_path(model.ctc(memory), encoded.lengths, STEPS)
    return np.asarray(greedy.ids), np.asarray(other), np.asarray(model.decode(encoded, STEPS).ids)


@pytest.mark.parametrize("time", [1, 2])
def test_ctc_has_no_say_about_a_text_that_is_too_long_for_its_time_steps(time: int):
    features = small.model().encode(*images(1)).memory.shape[2]
    greedy, other, both = opinionated(np.random.default_rng(2).normal(size=(256, time, features)).astype(np.float32))
    symbols = (greedy >= FIRST_SYMBOL).sum(axis=1)
    ended = (greedy == END).any(axis=1)
    too_long = ended & (symbols > time) & (greedy != other).any(axis=1)
    assert too_long.any()
    np.testing.assert_array_equal(both[too_long], greedy[too_long])


def test_a_text_that_never_ends_gives_way_to_one_that_does():
    features = small.model().encode(*images(1)).memory.shape[2]
    greedy, other, both = opinionated(
        np.random.default_rng(3).normal(size=(64, STEPS - 1, features)).astype(np.float32)
    )
    endless = ~(greedy == END).any(axis=1)
    assert endless.any()
    np.testing.assert_array_equal(both[endless], other[endless])


def test_of_several_beams_and_the_ctc_heads_reading_the_likeliest_is_taken():
    model = small.model()
    for head in (model.ctc, model.decoder.score):
        head.kernel.assign(8 * head.kernel.numpy())
    encoded = model.encode(*images(24))
    found = beam.search(model.decoder, *encoded, STEPS, 3)
    logits = model.ctc(encoded.memory)
    other = model.decoder.judge(*encoded, ctc.best_path(logits, encoded.lengths, STEPS))
    texts = [*np.moveaxis(np.asarray(found.ids), 1, 0), np.asarray(other.ids)]
    logs = [*np.moveaxis(np.asarray(found.log_probabilities), 1, 0), np.asarray(other.log_probabilities)]
    scores = np.array(
        [
            joint.CTC_SHARE * np.asarray(ctc.log_probability(logits, encoded.lengths, ids))
            + (1 - joint.CTC_SHARE) * log.sum(axis=1)
            for ids, log in zip(texts, logs, strict=True)
        ]
    )
    scores = np.where(np.array([(ids == END).any(axis=1) for ids in texts]), scores, -np.inf)
    best = scores.argmax(axis=0)
    assert set(best) >= {0, 1, 3}
    ids, _ = model.decode(encoded, STEPS, ReadOptions(beam_width=3))
    np.testing.assert_array_equal(ids, np.stack(texts)[best, np.arange(24)])


def test_the_attention_decoder_alone_takes_its_likeliest_beam():
    model = small.model()
    model.decoder.score.kernel.assign(8 * model.decoder.score.kernel.numpy())
    encoded = model.encode(*images(24))
    ids, _ = model.decode(encoded, STEPS, ReadOptions(decoder="attention", beam_width=4))
    np.testing.assert_array_equal(ids, beam.search(model.decoder, *encoded, STEPS, 4).ids[:, 0])
    assert (np.asarray(ids) != np.asarray(model.decoder.greedy(*encoded, STEPS).ids)).any()
