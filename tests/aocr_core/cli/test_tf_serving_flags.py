import pytest

from aocr_core.cli.tf_serving_flags import split
from aocr_core.serving import mirror, models, versions


@pytest.mark.parametrize("flag", ["--enable_batching", "--enable_batching=true", "--enable-batching"])
def test_ignored_flags_are_taken_out_with_a_note(flag):
    left, notes = split(["--model_name=words", flag, "exported"])
    assert left == ["--model_name=words", "exported"]
    assert notes == ["--enable_batching is ignored: requests are batched anyway, see --max-batch"]


def test_the_seconds_that_the_notes_name_are_those_of_the_server():
    _, (looks, retries) = split(["--file_system_poll_wait_seconds=5", "--max_num_load_retries=2"])
    assert models.POLL_SECONDS == 1 and "looked for every second," in looks
    assert f"in a bucket every {mirror.POLL_SECONDS:g} seconds" in looks
    *first, last = (f"{seconds:g}" for seconds in versions.RETRY_SECONDS)
    assert f"after {', '.join(first)} and {last} seconds" in retries


def test_port_may_have_its_value_behind_a_blank():
    assert split(["--port", "9000", "exported"])[0] == split(["--port=9000", "exported"])[0] == ["exported"]


def test_other_flags_and_what_follows_two_dashes_are_left_alone():
    arguments = ["--ssl_config_file=x", "--rest_api_port", "9001", "--", "--enable_batching"]
    assert split(arguments) == (arguments, [])
