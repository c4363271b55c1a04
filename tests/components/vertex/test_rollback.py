"""Versions go back to what served before, over the wire of the real client library, on the stand-in."""

import pytest
from google.api_core.exceptions import PermissionDenied

from aocr_core.errors import AocrError
from components import deployment
from tests.components.vertex import toys
from tests.components.vertex.seen import changed, versions
from tests.vertex.faults import Fault

BACK = ["MergeVersionAliases", "UndeployModel", "MergeVersionAliases"]
"""The end of a rollback."""


def test_rolling_back_goes_back_and_never_forth(words):
    for text in "abc":
        toys.deploy(words.export(text))
    assert deployment.rollback(None, "aocr", toys.OPTIONS).endswith("/models/aocr@2")
    assert (words.split(), words.deployed()) == ({2: 100}, [2])
    assert [number for number, aliases in versions(words).items() if "serving-words" in aliases] == [2]
    deployment.rollback(None, "aocr", toys.OPTIONS)
    assert (words.split(), words.deployed()) == ({1: 100}, [1])
    with pytest.raises(AocrError, match="no version of the model aocr served before version 1"):
        deployment.rollback(None, "aocr", toys.OPTIONS)
    toys.deploy(words.export_dir("c"))
    assert words.split() == {3: 100} and len(words.vertex.models.stored) == 1


def test_rolling_back_does_not_go_to_what_was_rolled_back_from(words):
    for text in "ab":
        toys.deploy(words.export(text))
    deployment.rollback(None, "aocr", toys.OPTIONS)
    assert versions(words) == {1: {"default", "serving-words", "served-1-words"}, 2: set()}
    toys.deploy(words.export("c"))
    deployment.rollback(None, "aocr", toys.OPTIONS)
    assert words.split() == {1: 100}


def test_rolling_back_goes_to_what_served_before_if_it_is_a_newer_version(words):
    for text in "ab":
        toys.deploy(words.export(text))
    toys.deploy(words.export_dir("a"))
    assert words.split() == {1: 100}
    deployment.rollback(None, "aocr", toys.OPTIONS)
    assert (words.split(), words.deployed()) == ({2: 100}, [2])
    deployment.rollback(None, "aocr", toys.OPTIONS)
    assert words.split() == {1: 100}
    with pytest.raises(AocrError, match="no version of the model aocr served before version 1"):
        deployment.rollback(None, "aocr", toys.OPTIONS)


def test_a_rollback_that_was_broken_off_is_finished_and_goes_no_further(words):
    for text in "abc":
        toys.deploy(words.export(text))
    words.vertex.faults.once("UndeployModel", PermissionDenied("not for you"))
    with pytest.raises(AocrError, match=r"version 2 has all traffic .*not for you.*the same command again finishes it"):
        deployment.rollback(None, "aocr", toys.OPTIONS)
    assert (words.split(), words.deployed()) == ({2: 100}, [2, 3])
    assert deployment.rollback(None, "aocr", toys.OPTIONS).endswith("@2")
    assert (words.split(), words.deployed()) == ({2: 100}, [2])
    assert deployment.rollback(None, "aocr", toys.OPTIONS).endswith("@1")


def test_a_rollback_is_done_even_if_what_it_left_still_counts_as_served(words, caplog):
    for text in "abc":
        toys.deploy(words.export(text))
    # The first aliases say that version 2 serves, the next ones that version 3 does not count any more.
    words.vertex.faults.nth("MergeVersionAliases", 2, Fault(PermissionDenied("not for you")))
    assert deployment.rollback(None, "aocr", toys.OPTIONS).endswith("@2")
    assert (words.split(), words.deployed()) == ({2: 100}, [2])
    assert "version 3 may still count as one that served" in caplog.text
    assert deployment.rollback(None, "aocr", toys.OPTIONS).endswith("@2")
    assert deployment.rollback(None, "aocr", toys.OPTIONS).endswith("@1")


def test_what_served_before_a_rollback_is_kept(words):
    kept = toys.OPTIONS.model_copy(update={"keep_previous": True})
    for text in "ab":
        toys.deploy(words.export(text), kept)
    deployment.rollback(None, "aocr", kept)
    toys.deploy(words.export("c"), kept)
    assert (words.split(), words.deployed()) == ({3: 100}, [1, 3])


def test_a_kept_version_is_there_at_once(words):
    kept = toys.OPTIONS.model_copy(update={"keep_previous": True})
    for text in "abc":
        toys.deploy(words.export(text), kept)
    assert (words.split(), words.deployed()) == ({3: 100}, [2, 3])
    changed(words)
    deployment.rollback(None, "aocr", kept)
    assert changed(words) == ["UpdateEndpoint", "UpdateEndpoint", *BACK]
    assert (words.split(), words.deployed()) == ({2: 100}, [2])


def test_a_version_that_never_passed_is_not_rolled_back_to(words):
    toys.deploy(words.export("a"))
    words.toys.texts[f"{toys.SERVING}/aocr/2"] = "nonsense"
    with pytest.raises(AocrError):
        toys.deploy(words.export("b"))
    toys.deploy(words.export("c"))
    deployment.rollback(None, "aocr", toys.OPTIONS)
    assert words.split() == {1: 100}
