import threading
from collections.abc import Iterator

import pytest

from aocr_core.serving.ahead import in_order


def test_results_come_in_order_however_long_they_take():
    second_done = threading.Event()

    def slow_first(number: int) -> int:
        if number == 0:
            assert second_done.wait(60)
        if number == 1:
            second_done.set()
        return 10 * number

    assert list(in_order(slow_first, range(20), 2)) == [10 * number for number in range(20)]


def test_no_more_than_asked_for_are_under_way():
    lock = threading.Lock()
    under_way = most = 0

    def count(number: int) -> int:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        threading.Event().wait(0.01)
        with lock:
            under_way -= 1
        return number

    assert list(in_order(count, range(30), 3)) == list(range(30))
    assert 1 < most <= 3


def test_a_result_does_not_wait_for_the_next_item():
    typed = threading.Event()

    def items() -> Iterator[int]:
        yield 1
        assert typed.wait(60)
        yield 2

    results = in_order(lambda number: -number, items(), 4)
    assert next(results) == -1
    typed.set()
    assert list(results) == [-2]


@pytest.mark.parametrize("most", [1, 3])
def test_failures_come_in_their_place_and_end_it(most):
    begun = []

    def fail(number: int) -> int:
        begun.append(number)
        return 10 // (3 - number)

    results = in_order(fail, range(1000), most)
    assert [next(results) for _ in range(3)] == [3, 5, 10]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert len(begun) <= 4 + 2 * most


def test_items_may_fail_too():
    def items() -> Iterator[int]:
        yield 1
        raise OSError("no more")

    results = in_order(str, items(), 2)
    assert next(results) == "1"
    with pytest.raises(OSError, match="no more"):
        next(results)


def test_who_stops_early_leaves_nothing_running():
    before = threading.active_count()
    results = in_order(str, iter(int, 1), 2)
    assert next(results) == "0"
    results.close()
    for thread in threading.enumerate():
        if thread.name.startswith("ahead"):
            thread.join(60)
    assert threading.active_count() <= before
