import numpy as np

from aocr_core.charset import FIRST_SYMBOL, Charset
from aocr_core.training.transfer import transfer
from tests.aocr_core import small

KNOWN = Charset(symbols=tuple("abcde"))


def weights(model) -> dict[str, np.ndarray]:
    """Of the layers that symbols have an entry in, the entry in front."""
    return {
        "embedding": model.decoder.embedding.embeddings.numpy(),
        "score": model.decoder.score.kernel.numpy().T,
        "score bias": model.decoder.score.bias.numpy(),
        "ctc": model.ctc.kernel.numpy().T,
        "ctc bias": model.ctc.bias.numpy(),
    }


def test_shared_symbols_keep_their_rows_wherever_they_stand():
    source, target = small.model(seed=1), small.model(seed=2)
    for bias in (source.ctc.bias, source.decoder.score.bias):
        bias.assign(np.arange(KNOWN.size))
    before = weights(target)
    assert transfer(target, Charset(symbols=tuple("eXaYb")), source, KNOWN) == 3
    theirs, ours = weights(source), weights(target)
    for name in ours:
        np.testing.assert_array_equal(ours[name][:FIRST_SYMBOL], theirs[name][:FIRST_SYMBOL], name)
        for place, origin in ((0, 4), (2, 0), (4, 1)):
            np.testing.assert_array_equal(ours[name][FIRST_SYMBOL + place], theirs[name][FIRST_SYMBOL + origin], name)
        for place in (1, 3):
            np.testing.assert_array_equal(ours[name][FIRST_SYMBOL + place], before[name][FIRST_SYMBOL + place], name)


def test_all_other_weights_are_the_sources():
    source, target = small.model(seed=1), small.model(seed=2)
    source.backbone.blocks[0].normalise.moving_mean.assign(np.full(4, 0.25))  # not trained, but learnt
    transfer(target, KNOWN, source, KNOWN)
    for ours, theirs in zip(target.weights, source.weights, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy(), ours.path)


def test_another_number_of_symbols():
    source, target = small.model(seed=1), small.model(seed=1, symbols=KNOWN.size + 3)
    assert transfer(target, Charset(symbols=tuple("abcdefgh")), source, KNOWN) == 5
    np.testing.assert_array_equal(weights(target)["ctc"][: KNOWN.size], weights(source)["ctc"])
