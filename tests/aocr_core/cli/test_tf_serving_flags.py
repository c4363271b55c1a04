import pytest

from aocr_core.cli.tf_serving_flags import split


@pytest.mark.parametrize("flag", ["--enable_batching", "--enable_batching=true", "--enable-batching"])
def test_ignored_flags_are_taken_out_with_a_note(flag):
    left, notes = split(["--model_name=words", flag, "exported"])
    assert left == ["--model_name=words", "exported"]
    assert notes == ["--enable_batching is ignored: requests are batched anyway, see --max-batch"]


def test_port_may_have_its_value_behind_a_blank():
    assert split(["--port", "9000", "exported"])[0] == split(["--port=9000", "exported"])[0] == ["exported"]


def test_other_flags_and_what_follows_two_dashes_are_left_alone():
    arguments = ["--ssl_config_file=x", "--rest_api_port", "9001", "--", "--enable_batching"]
    assert split(arguments) == (arguments, [])
