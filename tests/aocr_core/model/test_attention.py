import keras
import numpy as np
import pytest
from keras import ops

from aocr_core.model.attention import AttentionCell, Memory

UNITS, FEATURES, TIME = 6, 4, 5


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(3).normal(size=shape).astype(np.float32)


def cell_of(
    kind: str = "lstm",
    depth: int = 1,
    input_units: int | None = None,
    location_kernel: int | None = None,
    value_units: int | None = None,
) -> AttentionCell:
    cell = AttentionCell(kind, UNITS, depth, input_units, 3, location_kernel, value_units)
    cell.build((None, 2), (None, None, FEATURES))
    return cell


KINDS = [("lstm", 1, None), ("lstm", 3, 7), ("gru", 1, 7), ("gru", 2, None)]


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: f"{kind[0]}-{kind[1]}-{kind[2]}")
def cell(request) -> AttentionCell:
    return cell_of(*request.param)


def test_padding_gets_exactly_no_attention(cell: AttentionCell):
    states = cell.start(noise(3, TIME, FEATURES), np.array([5, 3, 1]))
    outputs, _ = cell(noise(3, 2), states)
    weights = np.asarray(outputs[:, UNITS + FEATURES :])
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-6)
    assert not weights[1, 3:].any() and not weights[2, 1:].any()
    assert (weights[0] > 0).all()


def test_the_context_is_the_weighted_mean_of_the_memory(cell: AttentionCell):
    values = noise(2, TIME, FEATURES)
    states = cell.start(values, np.array([5, 2]))
    weights, context = cell.attend(noise(2, UNITS), Memory(*states[-3:]))
    np.testing.assert_allclose(context, np.einsum("bt,btf->bf", weights, values), atol=1e-6)


def test_attention_is_additive():
    cell = cell_of()
    values, output = noise(1, TIME, FEATURES), noise(1, UNITS)
    weights, _ = cell.attend(output, Memory(*cell.start(values, np.array([TIME]))[-3:]))
    key, query, energy = (np.asarray(layer.kernel) for layer in (cell.key, cell.query, cell.energy))
    energies = np.tanh(values[0] @ key + output @ query + np.asarray(cell.query.bias)) @ energy[:, 0]
    np.testing.assert_allclose(weights[0], np.exp(energies) / np.exp(energies).sum(), rtol=1e-4)


def test_the_start_uses_every_feature_and_every_valid_step_of_the_memory(cell: AttentionCell):
    values, lengths = noise(1, TIME, FEATURES), np.array([4])
    count = len(cell.cells) * cell.states_per_cell
    before = [np.asarray(state) for state in cell.start(values, lengths)[:count]]
    for step in range(TIME):
        for feature in range(FEATURES):
            other = values.copy()
            other[0, step, feature] += 1.0
            after = [np.asarray(state) for state in cell.start(other, lengths)[:count]]
            changed = [not np.array_equal(old, new) for old, new in zip(before, after, strict=True)]
            assert changed == [step < 4] * count


def test_all_states_are_carried_on(cell: AttentionCell):
    states = cell.start(noise(2, TIME, FEATURES), np.array([5, 4]))
    outputs, new = cell(noise(2, 2), states)
    assert [tuple(state.shape) for state in new] == [tuple(state.shape) for state in states]
    recurrent = len(cell.cells) * cell.states_per_cell
    assert cell.state_size == [UNITS] * recurrent + [FEATURES]
    for old, now in zip(states[:-3], new[:-3], strict=True):
        assert not np.allclose(old, now)
    for old, now in zip(states[-3:], new[-3:], strict=True):
        np.testing.assert_array_equal(old, now)
    np.testing.assert_array_equal(outputs[:, UNITS : UNITS + FEATURES], new[-4])


def test_the_last_context_feeds_the_next_step(cell: AttentionCell):
    states = cell.start(noise(1, TIME, FEATURES), np.array([5]))
    other = list(states)
    other[-4] = ops.ones_like(states[-4])
    inputs = noise(1, 2)
    assert not np.allclose(cell(inputs, states)[0], cell(inputs, other)[0])


def test_layers_have_weights_of_their_own():
    cell = cell_of("lstm", depth=3)
    kernels = [inner.recurrent_kernel for inner in cell.cells]
    assert len({id(kernel) for kernel in kernels}) == 3
    kernels[0].assign(ops.zeros_like(kernels[0]))
    assert all(np.asarray(kernel).any() for kernel in kernels[1:])


def test_with_a_location_kernel_the_attention_sees_where_it_has_looked_before():
    keras.utils.set_random_seed(1)
    cell = cell_of(location_kernel=3)
    states = cell.start(noise(2, TIME, FEATURES), np.array([5, 3]))
    outputs, new = cell(noise(2, 2), states)
    weights = np.asarray(outputs[:, UNITS + FEATURES :])
    np.testing.assert_array_equal(new[-5], weights)  # the last attention
    np.testing.assert_array_equal(new[-4], weights)  # the sum of all so far
    outputs, newer = cell(noise(2, 2), new)
    again = np.asarray(outputs[:, UNITS + FEATURES :])
    np.testing.assert_allclose(newer[-4], weights + again, atol=1e-6)
    assert not again[1, 3:].any()
    elsewhere = [*new[:-5], np.roll(new[-5], 1, axis=1), np.roll(new[-4], 1, axis=1), *new[-3:]]
    assert not np.allclose(cell(noise(2, 2), elsewhere)[0][:, UNITS + FEATURES :], again)


@pytest.mark.parametrize("width", [1, 2, 3, 6])
def test_where_it_has_looked_is_seen_alike_in_training_and_in_reading(width: int):
    cell = cell_of(location_kernel=width)
    memory = Memory(*cell.start(noise(2, TIME, FEATURES), np.array([5, 3]))[-3:])
    seen = [np.abs(noise(2, TIME)), 2.0 * np.abs(noise(2, TIME))]
    for learnt, read in zip(
        cell.attend(noise(2, UNITS), memory, seen, training=True),
        cell.attend(noise(2, UNITS), memory, seen),
        strict=True,
    ):
        np.testing.assert_allclose(read, learnt, atol=1e-6)


def test_with_value_units_the_context_is_the_weighted_mean_of_a_linear_view_of_the_memory():
    cell = cell_of(value_units=2)
    features = noise(2, TIME, FEATURES)
    states = cell.start(features, np.array([5, 2]))
    weights, context = cell.attend(noise(2, UNITS), Memory(*states[-3:]))
    values = features @ np.asarray(cell.value.kernel)
    np.testing.assert_allclose(context, np.einsum("bt,btf->bf", weights, values), atol=1e-6)
    assert cell.state_size == [UNITS, UNITS, 2] and states[2].shape == (2, 2)
