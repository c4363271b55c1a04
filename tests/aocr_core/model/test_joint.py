import numpy as np
import pytest

from aocr_core.charset import END, FIRST_SYMBOL
from aocr_core.config import ReadOptions
from aocr_core.model import beam, ctc, joint
from aocr_core.model.recognizer import AttentionOCR, Encoded
from tests.aocr_core import small

STEPS = 5


def both(model: AttentionOCR, encoded: Encoded, width: int = 1, steps: int = STEPS) -> tuple[np.ndarray, np.ndarray]:
    logits = model.ctc(encoded.memory)
    texts, _ = ctc.read(logits, encoded.lengths, steps)
    ids, logs = joint.both(model.decoder, encoded.memory, logits, encoded.lengths, texts, width)
    return np.asarray(ids), np.asarray(logs)


def opinionated() -> AttentionOCR:
    """Both heads are sure of something."""
    model = small.model()
    for head in (model.ctc, model.decoder.score):
        head.kernel.assign(8 * head.kernel.numpy())
    return model


def images(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Noise `[rows, 16, 48, 1]`, and its widths."""
    noise = np.random.default_rng(1).uniform(-1, 1, (rows, 16, 48, 1)).astype(np.float32)
    return noise, np.full(rows, 48, np.int32)


def test_of_two_readings_the_likelier_is_taken_with_the_decoders_probability():
    model = small.model()
    model.ctc.kernel.assign(8 * model.ctc.kernel.numpy())  # a head with opinions
    encoded = model.encode(*images(96))
    greedy = model.decoder.greedy(*encoded, STEPS)
    logits = model.ctc(encoded.memory)
    other = ctc.best_path(logits, encoded.lengths, STEPS)
    judged = model.decoder.judge(*encoded, other)
    scores = [
        joint.CTC_SHARE * ctc.log_probability(logits, encoded.lengths, found.ids).numpy()
        + (1 - joint.CTC_SHARE) * found.log_probabilities.numpy().sum(1)
        for found in (greedy, judged)
    ]
    finished = (np.asarray(greedy.ids) == END).any(axis=1)
    better = ((scores[1] > scores[0]) | ~finished) & (np.asarray(other) == END).any(axis=1)
    assert better.any() and not better.all()
    ids, logs = both(model, encoded)
    np.testing.assert_array_equal(ids, np.where(better[:, None], other, greedy.ids))
    want = np.where(better[:, None], judged.log_probabilities, greedy.log_probabilities)
    np.testing.assert_allclose(logs, want, atol=1e-4)


def test_without_joint_decoding_the_ctc_head_is_not_asked():
    model = small.model(joint_decoding=False)
    model.ctc.kernel.assign(8 * model.ctc.kernel.numpy())
    found = model.read(*images(24), STEPS)
    np.testing.assert_array_equal(found.ids, model.decoder.greedy(*model.encode(*images(24)), STEPS).ids)


def readings(memory: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the decoder, the CTC head and both together read from encoder outputs `[batch, time, features]`."""
    model = opinionated()
    encoded = Encoded(memory, np.full(len(memory), memory.shape[1], np.int32))
    greedy = model.decoder.greedy(*encoded, STEPS)
    other = ctc.best_path(model.ctc(memory), encoded.lengths, STEPS)
    return np.asarray(greedy.ids), np.asarray(other), both(model, encoded)[0]


@pytest.mark.parametrize("time", [1, 2])
def test_ctc_has_no_say_about_a_text_that_is_too_long_for_its_time_steps(time: int):
    features = small.model().encode(*images(1)).memory.shape[2]
    greedy, other, taken = readings(np.random.default_rng(2).normal(size=(256, time, features)).astype(np.float32))
    symbols = (greedy >= FIRST_SYMBOL).sum(axis=1)
    ended = (greedy == END).any(axis=1)
    too_long = ended & (symbols > time) & (greedy != other).any(axis=1)
    assert too_long.any()
    np.testing.assert_array_equal(taken[too_long], greedy[too_long])


def test_a_text_that_never_ends_gives_way_to_one_that_does():
    features = small.model().encode(*images(1)).memory.shape[2]
    greedy, other, taken = readings(np.random.default_rng(3).normal(size=(64, STEPS - 1, features)).astype(np.float32))
    endless = ~(greedy == END).any(axis=1)
    assert endless.any()
    np.testing.assert_array_equal(taken[endless], other[endless])


def test_of_several_beams_and_the_ctc_heads_reading_the_likeliest_is_taken():
    model = opinionated()
    encoded = model.encode(*images(96))
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
    np.testing.assert_array_equal(both(model, encoded, width=3)[0], np.stack(texts)[best, np.arange(96)])


def test_the_attention_decoder_alone_takes_its_likeliest_beam():
    model = small.model()
    model.decoder.score.kernel.assign(8 * model.decoder.score.kernel.numpy())
    encoded = model.encode(*images(24))
    ids, _ = model.decode(encoded, STEPS, ReadOptions(decoder="attention", beam_width=4))
    np.testing.assert_array_equal(ids, beam.search(model.decoder, *encoded, STEPS, 4).ids[:, 0])
    assert (np.asarray(ids) != np.asarray(model.decoder.greedy(*encoded, STEPS).ids)).any()


@pytest.mark.parametrize("width", [1, 3])
def test_the_attention_decoder_is_asked_only_where_ctc_is_not_sure(width: int):
    model, steps = opinionated(), 14  # enough for all that CTC reads
    encoded = model.encode(*images(24))
    first, logs = (np.asarray(part) for part in ctc.read(model.ctc(encoded.memory), encoded.lengths, steps))
    probabilities = np.exp(logs.sum(axis=1))
    assert (first == END).any(axis=1).all()
    asked, asked_logs = both(model, encoded, width, steps)
    for sure in (0.0, float(np.median(probabilities)), 1.1):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(joint, "SURE", sure)
            ids, logs_found = model.decode(encoded, steps, ReadOptions(beam_width=width))
        alone = probabilities >= sure
        assert alone.all() == (sure == 0.0) and alone.any() == (sure <= 1.0)
        np.testing.assert_array_equal(ids, np.where(alone[:, None], first, asked))
        np.testing.assert_allclose(logs_found, np.where(alone[:, None], logs, asked_logs), atol=1e-4)


def test_where_ctc_is_sure_of_all_the_attention_decoder_does_nothing(monkeypatch):
    model = opinionated()
    encoded = model.encode(*images(4))
    monkeypatch.setattr(joint, "both", lambda *_: pytest.fail("asked"))
    monkeypatch.setattr(joint, "SURE", 0.0)
    first, _ = ctc.read(model.ctc(encoded.memory), encoded.lengths, 14)
    np.testing.assert_array_equal(model.decode(encoded, 14).ids, first)


def test_the_attention_decoder_reads_no_more_rows_than_it_has_to(monkeypatch):
    model = opinionated()
    encoded = model.encode(*images(24))
    _, logs = ctc.read(model.ctc(encoded.memory), encoded.lengths, 14)
    probabilities = np.exp(np.asarray(logs).sum(axis=1))
    asked = []
    ask = joint.both
    monkeypatch.setattr(
        joint, "both", lambda decoder, memory, *rest: asked.append(len(memory)) or ask(decoder, memory, *rest)
    )
    monkeypatch.setattr(joint, "SURE", float(np.sort(probabilities)[6:8].mean()))
    model.decode(encoded, 14)
    assert asked == [7]


def test_how_an_image_is_read_does_not_depend_on_the_others(monkeypatch):
    model = opinionated()
    pixels, widths = images(6)
    _, logs = ctc.read(model.ctc(model.encode(pixels, widths).memory), model.encode(pixels, widths).lengths, 14)
    monkeypatch.setattr(joint, "SURE", float(np.median(np.exp(np.asarray(logs).sum(axis=1)))))
    together = model.read(pixels, widths, 14)
    for row in range(6):
        alone = model.read(pixels[row : row + 1], widths[row : row + 1], 14)
        np.testing.assert_array_equal(alone.ids[0], together.ids[row])
        np.testing.assert_allclose(alone.log_probabilities[0], together.log_probabilities[row], atol=1e-4)
