"""The batcher over plain functions from list to list. Nothing here waits for the clock, but for events."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aocr_core.serving import batcher as batcher_module
from aocr_core.serving.batcher import MAX_PADDING, Batcher, QueueFullError, Shape, choose


class Gate:
    """Doubles numbers, and notes the batches; stands still in the first of them until it is opened."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.at_work, self.open = threading.Event(), threading.Event()

    def __call__(self, batch: list[int]) -> list[int]:
        self.batches.append(batch)
        self.at_work.set()
        assert self.open.wait(60)
        return [2 * item for item in batch]


@pytest.fixture
def gate():
    return Gate()


def batcher(run, **options) -> Batcher[int, int]:
    return Batcher(run, **{"max_batch": 4, **options})


def held(gate: Gate, **options) -> Batcher[int, int]:
    """A batcher whose function is at work on the item 0."""
    held = batcher(gate, **options)
    held.submit([0])
    assert gate.at_work.wait(60)
    return held


def test_a_lone_item_is_run_at_once_however_long_it_might_wait_for_others():
    lone = batcher(lambda items: [-item for item in items], max_wait=3600)
    assert lone.submit([5]).result(60) == [-5]
    lone.close()


def test_what_is_waiting_when_the_function_is_free_goes_together(gate):
    busy = held(gate)
    futures = [busy.submit([item]) for item in (1, 2, 3)]
    gate.open.set()
    assert [future.result(60) for future in futures] == [[2], [4], [6]]
    assert gate.batches == [[0], [1, 2, 3]]


def test_items_of_one_request_may_be_in_several_batches_and_come_back_in_order(gate):
    busy = held(gate)
    future = busy.submit(list(range(1, 11)))
    gate.open.set()
    assert future.result(60) == list(range(2, 21, 2))
    assert [len(batch) for batch in gate.batches] == [1, 4, 4, 2]


def test_waits_for_items_that_are_on_their_way():
    batches: list[list[int]] = []
    patient = batcher(lambda items: batches.append(items) or items, max_wait=3600)
    with patient.expecting():
        first = patient.submit([1])
        second = patient.submit([2])
        assert not first.done()
    assert first.result(60) + second.result(60) == [1, 2]
    assert batches == [[1, 2]]


def test_does_not_wait_for_items_of_another_group():
    patient = batcher(lambda items: items, max_wait=3600, shape=lambda item: Shape(group="mine"))
    with patient.expecting("others"):
        assert patient.submit([1]).result(60) == [1]
    with patient.expecting("mine") as places:
        future = patient.submit([1])
        assert not future.done()
        patient.reserve(places, 1, "others")
        assert future.result(60) == [1]


def test_waits_no_longer_than_it_is_told_to():
    patient = batcher(lambda items: items, max_wait=0.01)
    with patient.expecting():
        assert patient.submit([1]).result(60) == [1]


def test_a_full_queue_refuses_at_once(gate):
    busy = held(gate, max_queue=3)
    futures = [busy.submit([1]), busy.submit([2])]
    with pytest.raises(QueueFullError, match="2 items are waiting"):
        busy.submit([3, 4])
    assert not busy.is_full
    futures.append(busy.submit([3]))
    assert busy.is_full
    assert busy.waiting == 3
    gate.open.set()
    assert [future.result(60) for future in futures] == [[2], [4], [6]]
    assert busy.waiting == 0


def test_places_are_taken_before_the_items_are_there(gate):
    busy = held(gate, max_queue=3)
    with busy.expecting(), busy.expecting():
        future = busy.submit([1])
        assert busy.is_full
        with pytest.raises(QueueFullError, match="3 items are waiting"), busy.expecting():
            pytest.fail("there was room")
    assert (busy.waiting, busy.coming, busy.is_full) == (1, 0, False)
    gate.open.set()
    assert future.result(60) == [2]


def test_what_has_places_is_taken_and_others_are_refused_for_it(gate):
    busy = held(gate, max_queue=4)
    with busy.expecting() as many, busy.expecting() as more:
        busy.reserve(many, 3)
        with pytest.raises(QueueFullError):
            busy.reserve(more, 2)
        busy.reserve(more, 1)
        with pytest.raises(QueueFullError), busy.expecting():
            pytest.fail("there was room")
        futures = [busy.submit([1, 2, 3], many), busy.submit([4], more)]
        assert (busy.waiting, busy.coming) == (4, 0)
    gate.open.set()
    assert [future.result(60) for future in futures] == [[2, 4, 6], [8]]


def test_of_two_requests_that_are_too_large_together_one_is_taken(gate):
    busy = held(gate, max_queue=3)
    with busy.expecting() as first, busy.expecting() as second:
        busy.reserve(first, 5)
        with pytest.raises(QueueFullError):
            busy.reserve(second, 5)
        future = busy.submit([1, 2, 3, 4, 5], first)
    gate.open.set()
    assert future.result(60) == [2, 4, 6, 8, 10]


def test_more_is_refused_than_is_done_in_time(monkeypatch):
    seconds = [0.0]
    monkeypatch.setattr(batcher_module, "time", SimpleNamespace(monotonic=lambda: seconds[0]))
    begun, go_on = threading.Semaphore(0), threading.Semaphore(0)

    def run(items: list[int]) -> list[int]:
        begun.release()
        assert go_on.acquire(timeout=60)
        seconds[0] += 10 * len(items)
        return items

    slow = batcher(run, max_seconds=45)
    futures = [slow.submit([0])]
    assert begun.acquire(timeout=60)
    futures += [slow.submit([item]) for item in range(9)]  # nobody knows yet how long that takes
    go_on.release()
    assert begun.acquire(timeout=60)
    assert (slow.waiting, slow.is_full) == (5, True)
    with pytest.raises(QueueFullError, match="5 items are waiting"):
        slow.submit([9])
    go_on.release()
    assert begun.acquire(timeout=60)
    futures += [slow.submit([item]) for item in range(3)]
    assert slow.is_full
    go_on.release(9)
    assert [future.result(60) for future in futures] == [[0]] + [[item] for item in range(9)] + [[0], [1], [2]]
    assert not slow.is_full
    slow.close()


def test_an_empty_queue_takes_more_than_it_has_room_for(gate):
    busy = held(gate, max_queue=3)
    future = busy.submit([1, 2, 3, 4, 5])
    gate.open.set()
    assert future.result(60) == [2, 4, 6, 8, 10]


def test_what_was_cancelled_is_not_run(gate):
    busy = held(gate)
    unwanted, wanted = busy.submit([1, 2]), busy.submit([3])
    assert unwanted.cancel()
    assert busy.waiting == 1
    gate.open.set()
    assert wanted.result(60) == [6]
    assert gate.batches == [[0], [3]]


def test_a_failing_item_harms_nobody_else(gate):
    def run(items: list[int]) -> list[int]:
        if 7 in items:
            raise ValueError("seven")
        return gate(items)

    busy = batcher(run, max_batch=16)
    busy.submit([0])
    assert gate.at_work.wait(60)
    futures = {item: busy.submit([item]) for item in range(5, 12)}
    gate.open.set()
    with pytest.raises(ValueError, match="seven"):
        futures.pop(7).result(60)
    assert {item: future.result(60) for item, future in futures.items()} == {item: [2 * item] for item in futures}
    busy.close()


def test_a_function_that_loses_results_is_an_error():
    with pytest.raises(RuntimeError, match="0 results for 1 items"):
        batcher(lambda items: []).submit([1]).result(60)


def test_groups_are_never_mixed_and_the_oldest_is_first(gate):
    busy = held(gate, shape=lambda item: Shape(group=item % 2))
    futures = [busy.submit([item]) for item in (1, 2, 3, 4)]
    gate.open.set()
    for future in futures:
        future.result(60)
    assert gate.batches == [[0], [1, 3], [2, 4]]


def test_two_threads_run_two_batches_at_a_time():
    both = threading.Barrier(2, timeout=60)

    def run(items: list[int]) -> list[int]:
        both.wait()  # nobody passes alone
        return items

    twice = batcher(run, threads=2, shape=lambda item: Shape(group=item))
    assert [future.result(60) for future in [twice.submit([1]), twice.submit([2])]] == [[1], [2]]


def test_close_runs_what_is_waiting_and_takes_no_more(gate):
    busy = held(gate)
    future = busy.submit([1])
    closing = threading.Thread(target=busy.close)
    closing.start()
    gate.open.set()
    closing.join(60)
    assert not closing.is_alive()
    assert future.result(0) == [2]
    with pytest.raises(QueueFullError):
        busy.submit([2])
    assert batcher(lambda items: items).submit([]).result(0) == []


def test_batches_are_observed(gate):
    seen: list[int] = []
    busy = held(gate, observe=lambda items, seconds: seen.append(items))
    future = busy.submit([1, 2])
    gate.open.set()
    future.result(60)
    busy.close()
    assert seen == [1, 2]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.integers(0, 99), max_size=9), max_size=20), st.integers(1, 5), st.integers(1, 3))
def test_everybody_gets_the_results_of_their_own_items(requests, max_batch, threads):
    shared = Batcher(
        lambda items: [item * item for item in items],
        max_batch=max_batch,
        max_queue=10_000,
        threads=threads,
        shape=lambda item: Shape(width=item + 1),
    )
    with ThreadPoolExecutor(4) as clients:
        futures: list[Future[list[int]]] = list(clients.map(shared.submit, requests))
    assert [future.result(60) for future in futures] == [[item * item for item in items] for items in requests]
    shared.close()


def test_neighbours_in_width_go_together():
    widths = [3.0, 9.0, 3.2, 2.9, 8.0, 3.1]
    assert choose([Shape(width=width) for width in widths], 3) == [0, 3, 5]


def test_wide_ones_do_not_make_a_batch_of_narrow_ones_dear():
    assert choose([Shape(width=width) for width in (1.0, 1.1, 6.0, 6.0)], 32) == [0, 1]


def test_heavy_ones_do_not_go_together():
    assert choose([Shape(weight=weight) for weight in (6, 6, 3, 2)], 32, 10) == [0, 2]
    assert choose([Shape(weight=weight) for weight in (60, 1)], 32, 10) == [0]


shapes = st.builds(Shape, width=st.floats(0.01, 100), weight=st.integers(0, 50))


@given(st.lists(shapes, min_size=1, max_size=40), st.integers(1, 40), st.integers(1, 100))
def test_a_batch_is_never_too_large_too_heavy_or_mostly_padding(shapes, max_batch, max_weight):
    chosen = choose(shapes, max_batch, max_weight)
    assert chosen[0] == 0
    assert sorted(set(chosen)) == chosen
    assert len(chosen) <= max_batch
    batch = [shapes[index] for index in chosen]
    assert len(batch) == 1 or sum(shape.weight for shape in batch) <= max_weight
    full, used = max(shape.width for shape in batch) * len(batch), sum(shape.width for shape in batch)
    assert full - used <= MAX_PADDING * full + 1e-6
