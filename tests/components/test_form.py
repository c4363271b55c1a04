import inspect
from typing import Literal

import pytest
from pydantic import Field

from aocr_core.config import Options, TrainOptions
from aocr_core.errors import UsageError
from components import form


class Example(Options):
    must: str = Field(description="Needed.")
    size: int | None = Field(None, description="How large. [default: from the data]")
    name: str | None = Field(None, description="What it is called. [default: none]")
    rate: float = Field(0.5, gt=0, description="How fast.")
    kind: Literal["a", "b"] = Field("a", description="Which.")
    flag: bool = Field(False, description="Whether.")


def test_defaults_have_no_none_and_no_required_field():
    assert vars(form.defaults(Example)) == {"size": 0, "name": "", "rate": 0.5, "kind": "a", "flag": False}


def test_empty_values_mean_not_given_only_where_the_default_is_none():
    made = form.options(Example, {"must": "x", "size": 0, "name": "", "rate": 0.25, "flag": False, "other": 1})
    assert (made.size, made.name, made.rate, made.flag) == (None, None, 0.25, False)
    assert form.options(Example, {"must": "x", "size": 3}).size == 3


def test_all_defaults_of_the_form_are_the_defaults_of_the_configuration():
    assert form.options(TrainOptions, vars(form.defaults(TrainOptions))) == TrainOptions()


def test_a_value_out_of_range_is_named():
    with pytest.raises(UsageError, match=r"--rate.*greater than 0"):
        form.options(Example, {"must": "x", "rate": 0.0})


def test_parameters_are_explained_from_the_fields():
    @form.describe(Example)
    def step(own, size: int = 0, name: str = "", kind: str = "a"):
        """Do it.

        Args:
            own: Not a field.
        """

    text = inspect.getdoc(step)
    assert "own: Not a field." in text
    assert "size: How large. [0: from the data]" in text
    assert "name: What it is called. [empty: none]" in text
    assert "kind: Which. One of: a, b." in text
    assert "rate" not in text
