"""A team of one asks nobody; larger ones are in `test_workers`."""

import pytest
import tensorflow as tf

from aocr_core.errors import LostError, UsageError
from aocr_core.training.team import Team


@pytest.fixture(scope="module")
def alone() -> Team:
    return Team(tf.distribute.get_strategy())


def test_alone_one_is_the_chief(alone: Team):
    assert (alone.size, alone.index, alone.chief, alone.replicas) == (1, 0, True, 1)
    value = object()
    assert alone.told(lambda: value) is value
    assert alone.numbers(lambda: (0.5, 3), 2) == [0.5, 3.0]
    variable = tf.Variable([1.0])
    alone.spread([variable])
    assert variable.numpy() == [1.0]


def test_what_goes_wrong_alone_is_what_it_is(alone: Team):
    def fail():
        raise UsageError("no")

    with pytest.raises(UsageError, match=r"^no$"):
        alone.told(fail)
    with pytest.raises(tf.errors.UnavailableError), alone.together():
        raise tf.errors.UnavailableError(None, None, "the disk, say")


def test_another_that_has_gone_is_named():
    class Pair(Team):
        def __init__(self) -> None:
            super().__init__(tf.distribute.get_strategy())
            self.size = 2

    said = "Collective ops is aborted by: … unhealthy:\n/job:worker/replica:0/task:3\nThe tasks have crashed."
    with pytest.raises(LostError, match=r"has gone \(worker 3\), and it cannot go on with 1 of 2"), Pair().together():
        raise tf.errors.UnavailableError(None, None, said)
