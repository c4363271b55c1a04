import pytest

from aocr_core import storage
from aocr_core.errors import UsageError
from pipelines import parameters


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"min_accuracy": 90.0}, "--min-accuracy: .* less than or equal to 1 .*90"),
        ({"min_gain": 5.0}, "--min-gain: .* less than 1"),
        ({"test_share": 5.0}, "--test-share"),
        ({"preset": "foo"}, "--preset: .*'large' or 'aocr'.*'foo'"),
        ({"label_kind": "words"}, "--label-kind"),
        ({"worker_count": 3}, "--batch-size 32 cannot be shared evenly by 3 devices: say --batch-size 33"),
        ({"worker_count": 2, "worker_accelerator": "NVIDIA_L4:4", "batch_size": 12}, "by 8 devices: .* 16"),
        ({"charset": "klingon"}, "unknown charset 'klingon'"),
        ({"test_annotations": "test.txt"}, "with --annotations"),
    ],
)
def test_what_a_step_would_refuse_is_refused_at_once(given: dict, message: str):
    with pytest.raises(UsageError, match=message):
        parameters.check(given)


@pytest.mark.parametrize(
    "given", [{}, {"num_epoch": 0, "charset": ""}, {"annotations": "a.txt", "test_annotations": "b.txt"}]
)
def test_the_form_of_the_console_may_leave_things_open(given: dict):
    parameters.check(given)


def test_a_charset_may_lie_where_vertex_ai_can_see_it(bucket: str):
    storage.write_bytes(f"{bucket}/symbols.txt", b"a\nb\n")
    parameters.check({"charset": f"{bucket}/symbols.txt"})
    with pytest.raises(UsageError, match=r"unknown charset 'gs://words/other\.txt'"):
        parameters.check({"charset": f"{bucket}/other.txt"})
