from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aocr_core.errors import UsageError
from pipelines.event import upload
from pipelines.event.upload import FINALIZED, Upload
from pipelines.vertex import jobs

DATA = {"bucket": "words", "name": "plates/annotations.txt", "generation": "1795442918384834948", "size": "12"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def test_the_upload_that_cloud_storage_tells_of():
    told = upload.of(FINALIZED, DATA)
    assert told == Upload("words", "plates/annotations.txt", 1795442918384834948)
    assert told.path == "gs://words/plates/annotations.txt"


@pytest.mark.parametrize(
    ("kind", "data", "message"),
    [
        ("google.cloud.storage.object.v1.deleted", DATA, r"type google\.cloud\.storage\.object\.v1\.deleted, not"),
        (FINALIZED, None, "without an object's description"),
        (FINALIZED, "words/plates/annotations.txt", "without an object's description"),
        (FINALIZED, DATA | {"bucket": "Words/.."}, "without the name of a bucket: 'Words/..'"),
        (FINALIZED, {"bucket": "words", "generation": "1"}, "without the name of an object: None"),
        (FINALIZED, DATA | {"generation": None}, "without the generation of 'plates/annotations.txt': 'None'"),
        (FINALIZED, DATA | {"generation": "-1"}, "without the generation"),
    ],
)
def test_an_event_that_tells_of_nothing_is_refused(kind: str, data: Any, message: str):
    with pytest.raises(UsageError, match=message):
        upload.of(kind, data)


@given(st.fixed_dictionaries({}, optional={"bucket": JSON, "name": JSON, "generation": JSON}) | JSON)
def test_any_event_is_understood_or_refused(data: Any):
    try:
        told = upload.of(FINALIZED, data)
    except UsageError as error:
        assert "\n" not in str(error)
    else:
        assert told.path == f"gs://{data['bucket']}/{data['name']}"


@given(st.text(min_size=1, max_size=1024), st.integers(1, 2**63 - 1))
def test_every_upload_has_an_id_of_its_own_that_vertex_takes(name: str, generation: int):
    told = Upload("words", name, generation)
    jobs.check_id(told.job_id)
    assert told.job_id == Upload("words", name, generation).job_id
    others = [Upload("words", name + "-", generation), Upload("words2", name, generation)]
    others.append(Upload("words", name, generation + 1))
    assert len({told.job_id, *(other.job_id for other in others)}) == 4


def test_the_id_can_be_read():
    assert Upload("words", "Plates/annotations.TXT", 17).job_id.startswith("upload-plates-annotations-txt-17-")
