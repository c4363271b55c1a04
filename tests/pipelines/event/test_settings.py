from collections.abc import Callable

import pytest

from aocr_core.errors import UsageError
from pipelines.event import settings


def test_the_pattern_chooses_and_what_runs_write_never_counts(environment: Callable[..., None]):
    environment(AOCR_EVENT_PATTERN="gs://words/*/annotations*.txt", AOCR_EVENT_SUBMIT="--serving-dir gs://words/out/")
    chosen = settings.load()
    assert chosen.wants("gs://words/plates/annotations.txt")
    assert chosen.wants("gs://words/plates/2027/annotations-3.txt")
    assert not chosen.wants("gs://words/plates/testing.txt")
    assert not chosen.wants("gs://other/plates/annotations.txt")
    assert not chosen.wants("gs://words/runs/7/annotations.txt")
    assert not chosen.wants("gs://words/out/aocr/1/annotations.txt")


def test_a_folder_of_runs_is_known_however_it_is_given(environment: Callable[..., None]):
    environment(AOCR_EVENT_SUBMIT="--pipeline-root gs://words/elsewhere/")
    assert settings.load().written == ("gs://words/elsewhere",)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"AOCR_EVENT_PATTERN": None}, "^AOCR_EVENT_PATTERN: set it"),
        ({"AOCR_EVENT_PATTERN": "*.txt"}, r"^AOCR_EVENT_PATTERN: write gs://BUCKET/NAME"),
        ({"AOCR_EVENT_PATTERN": "gs://*/a.txt"}, "^AOCR_EVENT_PATTERN: write"),
        ({"AOCR_EVENT_SUBMIT": "--num-epochs 3"}, "^AOCR_EVENT_SUBMIT: No such option"),
        ({"AOCR_EVENT_SUBMIT": "--num-epoch three"}, "^AOCR_EVENT_SUBMIT: Invalid value for '--num-epoch'"),
        ({"AOCR_EVENT_SUBMIT": "--display-name 'mine"}, "^AOCR_EVENT_SUBMIT: No closing quotation"),
        ({"AOCR_EVENT_SUBMIT": "--help"}, "^AOCR_EVENT_SUBMIT: it asks for help"),
        ({"AOCR_EVENT_SUBMIT": "--wait"}, "--wait is decided by the function"),
        ({"AOCR_EVENT_SUBMIT": "--job-id mine"}, "--job-id is decided by the upload"),
        ({"AOCR_EVENT_SUBMIT": "--annotations gs://words/a.txt"}, "--annotations is decided by the upload"),
        ({"AOCR_EVENT_SUBMIT": "--data-version 1"}, "--data-version is decided by the upload"),
        ({"AOCR_IMAGE": None}, "^--image is missing"),
        ({"AOCR_IMAGE": "europe-docker.pkg.dev/PROJECT/aocr/aocr-python"}, "put your project in the place of PROJECT"),
        ({"AOCR_PIPELINE_ROOT": None}, "^--pipeline-root is missing"),
    ],
)
def test_a_function_that_could_start_no_run_does_not_start(
    environment: Callable[..., None], variables: dict[str, str | None], message: str
):
    environment(**variables)
    with pytest.raises(UsageError, match=message) as caught:
        settings.load()
    assert "\n" not in str(caught.value)
