"""The loop with a real model and real checkpoints; the steps and validations are scripted, so that ends are near."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from itertools import repeat
from pathlib import Path

import pytest
import tensorflow as tf

from aocr_core import model_dir
from aocr_core.config import TrainOptions
from aocr_core.errors import FinalError
from aocr_core.evaluation.metrics import Summary, TextMetrics
from aocr_core.model.recognizer import AttentionOCR
from aocr_core.training.average import WeightAverage
from aocr_core.training.loop import Loop, Plan, Tools
from aocr_core.training.step import build_optimizer
from tests.aocr_core import small


@pytest.fixture(scope="module")
def network() -> AttentionOCR:
    return small.model()


def summary(right: int) -> Summary:
    """`right` of ten texts are read."""
    metrics = TextMetrics()
    metrics.update(["a"] * 10, ["a"] * right + ["b"] * (10 - right))
    return metrics.summary()


def options(**changes) -> TrainOptions:
    given = {"num_epoch": 1, "initial_learning_rate": 0.1, "optimizer": "adamw", "batch_size": 10} | changes
    return TrainOptions(**given)


def loop_of(
    network: AttentionOCR,
    directory: Path,
    given: TrainOptions,
    plan: Plan,
    right: Iterator[int] | None = None,
    step: Callable[[dict], dict] | None = None,
) -> Loop:
    optimizer = build_optimizer(given)
    optimizer.build(network.trainable_variables)

    def constant(batch: dict) -> dict:
        network.ctc.bias.assign_add(tf.ones_like(network.ctc.bias))
        return {"loss": tf.constant(1.0)}

    counts = repeat(5) if right is None else right
    average = WeightAverage(network.variables, given.ema_decay)
    tools = Tools(network, optimizer, average, step or constant, lambda: summary(next(counts)))
    return Loop(directory, tools, given, plan)


def history(directory: Path) -> list[dict]:
    return [json.loads(line) for line in (directory / model_dir.HISTORY).read_text().splitlines()]


BATCHES: Iterator[dict] = repeat({})


def test_a_plan_has_at_least_one_step():
    assert Plan.make(3, options(batch_size=64)).steps == 1
    assert Plan.make(100, options(batch_size=8, num_epoch=2)).steps == 25
    assert Plan.make(100, options(steps_per_checkpoint=7)).steps_between == 7


@pytest.mark.parametrize(
    ("rows", "epochs", "between"), [(80, 10, 50), (1600, 10, 200), (800, 40, 200), (10**6, 4, 500)]
)
def test_validations_are_an_epoch_apart_but_neither_too_many_nor_too_few(rows: int, epochs: int, between: int):
    given = options(batch_size=8, num_epoch=epochs, steps_per_checkpoint=None)
    assert Plan.make(rows, given).steps_between == between


def test_it_validates_as_often_as_planned_and_at_the_end(network, tmp_path):
    loop = loop_of(network, tmp_path, options(), Plan(7, 5.0, 3))
    assert loop.run(BATCHES) == "7 steps are done"
    assert [line["step"] for line in history(tmp_path)] == [3, 6, 7]
    assert {"loss", "learning_rate", "accuracy", "cer", "seconds"} <= history(tmp_path)[0].keys()
    assert (tmp_path / model_dir.WEIGHTS).is_file()
    assert list((tmp_path / model_dir.LOGS).iterdir())


def test_patience(network, tmp_path):
    loop = loop_of(network, tmp_path, options(patience=2), Plan(100, 5.0, 1), iter([3, 5, 5, 4, 9]))
    assert loop.run(BATCHES) == "no improvement in 2 validations"
    assert (loop.state.step, loop.state.top_accuracy) == (4, 0.5)


def test_without_patience_it_goes_on(network, tmp_path):
    loop = loop_of(network, tmp_path, options(patience=0), Plan(30, 5.0, 1))
    assert loop.run(BATCHES) == "30 steps are done"


def test_the_time_budget(network, tmp_path):
    loop = loop_of(network, tmp_path, options(max_minutes=1e-4), Plan(10**9, 5.0, 10**9))
    assert loop.run(BATCHES) == "the time budget of 0.0001 minutes is used up"
    assert len(history(tmp_path)) == 1  # what was trained is judged and saved
    assert (tmp_path / model_dir.WEIGHTS).is_file()


def test_what_the_beginning_took_is_part_of_the_time_budget(network, tmp_path):
    loop = loop_of(network, tmp_path, options(max_minutes=10), Plan(10**9, 5.0, 10**9))
    loop.spent = 600.0
    loop.run(BATCHES)
    assert loop.state.seconds < 60


def test_the_best_weights_are_those_of_the_best_validation(network, tmp_path):
    loop = loop_of(network, tmp_path, options(ema_decay=0.0), Plan(4, 5.0, 1), iter([1, 8, 2, 3]))
    seen = []

    def judge() -> Summary:
        seen.append(network.ctc.bias.numpy()[0])
        return summary([1, 8, 2, 3][len(seen) - 1])

    loop.tools.validator = judge
    loop.run(BATCHES)
    best = AttentionOCR.create(small.NETWORK, small.CHARSET.size)
    best.load_weights(tmp_path / model_dir.WEIGHTS)
    assert best.ctc.bias.numpy()[0] == pytest.approx(seen[1])


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_ends_the_training(network, tmp_path, loss: float):
    losses = iter([1.0, loss])
    loop = loop_of(network, tmp_path, options(), Plan(9, 5.0, 3), step=lambda _: {"loss": tf.constant(next(losses))})
    with pytest.raises(FinalError, match=r"diverged at step 2 .* try a smaller --initial-learning-rate"):
        loop.run(BATCHES)
    assert not list((tmp_path / model_dir.LATEST).glob("*"))  # nothing to go on from


def test_any_other_error_is_not_swallowed(network, tmp_path):
    def broken(batch: dict) -> dict:
        raise tf.errors.ResourceExhaustedError(None, None, "out of memory")

    with pytest.raises(tf.errors.ResourceExhaustedError):
        loop_of(network, tmp_path, options(), Plan(9, 5.0, 3), step=broken).run(BATCHES)


def interrupted_after(steps: int) -> Iterator[dict]:
    for _ in range(steps):
        yield {}
    raise KeyboardInterrupt


def test_an_interrupted_training_goes_on(network, tmp_path, caplog):
    caplog.set_level("INFO", logger="aocr_core")
    first = loop_of(network, tmp_path, options(), Plan(6, 5.0, 2))
    with pytest.raises(KeyboardInterrupt):
        first.run(interrupted_after(3))
    trained = network.ctc.bias.numpy().copy()
    network.ctc.bias.assign(0 * trained)

    second = loop_of(network, tmp_path, options(), Plan(6, 5.0, 2))
    assert second.state.step == 3 and second.state.best_accuracy == 0.5
    assert second.state.seconds == first.state.seconds
    assert (network.ctc.bias.numpy() == trained).all()
    assert second.run(BATCHES) == "6 steps are done"
    assert [line["step"] for line in history(tmp_path)] == [2, 4, 6]
    assert "going on at step 3 of 6" in caplog.text
    assert loop_of(network, tmp_path, options(), Plan(6, 5.0, 2)).run(iter(())) == "6 steps are done"


def test_a_last_validation_that_was_interrupted_is_made_up_for(network, tmp_path, caplog):
    caplog.set_level("INFO", logger="aocr_core")

    def interrupted() -> Summary:
        raise KeyboardInterrupt

    first = loop_of(network, tmp_path, options(), Plan(4, 5.0, 4))
    first.tools.validator = interrupted
    with pytest.raises(KeyboardInterrupt):
        first.run(BATCHES)
    assert not (tmp_path / model_dir.WEIGHTS).exists()

    second = loop_of(network, tmp_path, options(), Plan(4, 5.0, 4))
    assert second.run(iter(())) == "4 steps are done"
    assert second.state.best_accuracy == 0.5 and (tmp_path / model_dir.WEIGHTS).is_file()
    assert [(line["step"], line["accuracy"]) for line in history(tmp_path)] == [(4, 0.5)]
    assert "step 4 is the last and was not validated" in caplog.text

    again = loop_of(network, tmp_path, options(), Plan(4, 5.0, 4), iter(()))  # no validation is left
    assert again.run(iter(())) == "4 steps are done"


def test_the_rate_warms_up_and_comes_down(network, tmp_path):
    loop = loop_of(network, tmp_path, options(patience=0), Plan(40, 5.0, 1))
    loop.run(BATCHES)
    rates = [line["learning_rate"] for line in history(tmp_path)]
    top = rates.index(max(rates))
    assert rates[top] == pytest.approx(0.1, rel=0.05) and rates[-1] < 0.01
    assert rates == sorted(rates[: top + 1]) + sorted(rates[top + 1 :], reverse=True)


def test_adadelta_keeps_its_rate(network, tmp_path):
    loop_of(network, tmp_path, options(optimizer="adadelta"), Plan(5, 5.0, 1)).run(BATCHES)
    assert {line["learning_rate"] for line in history(tmp_path)} == {0.1}


def test_the_history_tells_the_speed_of_each_stretch_alone(network, tmp_path, monkeypatch):
    """By a scripted clock: a step takes 0.4 s, 0.3 s of it waiting; validations and checkpoints do not count."""
    now = 0.0

    def takes(seconds: float, result: object) -> object:
        nonlocal now
        now += seconds
        return result

    def batches() -> Iterator[dict]:
        while True:
            yield takes(0.3, {})

    def validations() -> Iterator[int]:
        while True:
            yield takes(7.0, 5)

    monkeypatch.setattr("aocr_core.training.loop.time.monotonic", lambda: now)
    plan = Plan(steps=6, steps_per_epoch=6, steps_between=3)
    step = partial(takes, 0.1, {"loss": tf.constant(1.0)})
    loop = loop_of(network, tmp_path, options(patience=0), plan, validations(), lambda batch: step())
    save = loop.checkpoints.save
    monkeypatch.setattr(loop.checkpoints, "save", lambda state: takes(11.0, save(state)))
    loop.run(batches())
    first, second = history(tmp_path)
    for line in (first, second):
        assert line["images_per_second"] == pytest.approx(25.0)  # ten images a step
        assert line["waiting_share"] == pytest.approx(0.75)
    assert (first["seconds"], second["seconds"]) == (pytest.approx(8.2), pytest.approx(27.4))


def test_a_training_that_is_done_says_how_to_go_on(network, tmp_path, caplog):
    caplog.set_level("INFO", logger="aocr_core")
    plan = Plan(steps=2, steps_per_epoch=2, steps_between=2)
    for _ in range(2):
        loop_of(network, tmp_path, options(), plan).run(BATCHES)
    assert "nothing is left to do: --num-epoch" in caplog.text
