"""Versions come to an endpoint and go, over the wire of the real client library, on the stand-in."""

import time
from types import ModuleType

import pytest
from google.api_core.exceptions import InvalidArgument, TooManyRequests
from hypothesis import given
from hypothesis import strategies as st

from aocr_core import storage
from aocr_core.errors import AocrError, UsageError
from components import deployment
from components.inputs import EndpointOptions
from components.submission import VARIABLE, Submission
from components.vertex import changes, endpoints, registry, rollout, trial
from components.vertex.serving import serving
from tests.components.vertex import toys
from tests.components.vertex.seen import CHANGES, FIRST, NEXT, changed, versions
from tests.vertex.faults import Fault


def others_model(words) -> str:
    """Somebody else's model on the endpoint, without traffic: the id of its deployment."""
    connection = endpoints.connected(toys.NAME)
    words.export("a")
    storage.write_bytes(f"{toys.SERVING}/aocr/1/saved_model.pb", b"x")
    upload = registry.Upload("theirs", f"{toys.SERVING}/aocr/1", "f", toys.IMAGE, {})
    theirs = registry.registered(connection, upload)
    endpoints.ensure(connection, toys.NAME)
    return endpoints.deploy(connection, toys.NAME, theirs, toys.OPTIONS)


def kill(monkeypatch: pytest.MonkeyPatch, module: ModuleType, function: str) -> None:
    """Let a function end the process as SIGKILL does: nothing is taken back."""
    monkeypatch.setattr(module, function, lambda *_: (_ for _ in ()).throw(SystemExit))
    monkeypatch.setattr(rollout, "_withdraw", lambda *_: None)


def test_what_a_run_was_submitted_with_holds_for_its_model_and_endpoint(words, monkeypatch: pytest.MonkeyPatch):
    key = "projects/p/locations/l/keyRings/r/cryptoKeys/k"
    submitted = Submission(kms_key=key, labels={"team": "ocr"}, network="projects/1/global/networks/n")
    monkeypatch.setenv(VARIABLE, submitted.model_dump_json())
    toys.deploy(words.export("a"))
    ((model,),) = (versions.values() for versions in words.vertex.models.stored.values())
    (endpoint,) = words.vertex.endpoints.stored.values()
    for made in (model, endpoint):
        assert (made.encryption_spec.kms_key_name, dict(made.labels)) == (key, {"team": "ocr"})
    assert not endpoint.network  # a peered one could not serve a canary


def test_the_first_version_gets_all_traffic(words):
    assert toys.deploy(words.export("a")) == f"{toys.SERVING}/aocr/1"
    assert changed(words) == FIRST
    assert (words.split(), words.deployed()) == ({1: 100}, [1])
    assert versions(words) == {1: {"default", "serving-words", "served-1-words"}}
    ((name, model),) = words.vertex.models.stored.items()
    assert name == "projects/p/locations/europe-west1/models/aocr"
    assert model[1].version_description == "Exact accuracy 97.5 %, CER 1.25 % on 40 test images."
    (evaluation,) = words.vertex.models.evaluations[f"{name}@1"]
    assert evaluation.metrics["exactMatch"] == 0.975 and evaluation.metadata["count"] == 40
    container = model[1].container_spec
    assert (container.image_uri, list(container.command)) == (toys.IMAGE, ["aocr", "serve"])
    assert model[1].artifact_uri == f"{toys.SERVING}/aocr/1"


def test_a_second_one_comes_by_canary(words):
    toys.deploy(words.export("a"))
    changed(words)
    splits = []
    words.vertex.endpoints.answered.clear()
    words.vertex.after = lambda rpc: splits.append(words.split()) if rpc in CHANGES else None
    toys.deploy(words.export("b"))
    assert changed(words) == NEXT
    assert splits[2:6] == [{1: 100}, {1: 80, 2: 20}, {2: 100}, {2: 100}]
    first, second = sorted(set(words.vertex.endpoints.answered))
    assert words.vertex.endpoints.answered.count(second) == 2 * trial.ANSWERS
    assert words.vertex.endpoints.answered.count(first) > 0
    assert (words.split(), words.deployed()) == ({2: 100}, [2])
    assert versions(words) == {1: {"served-1-words"}, 2: {"default", "serving-words", "served-2-words"}}
    assert [toy.up for toy in words.toys.started] == [False, True]


@pytest.mark.parametrize("keep", [False, True])
def test_the_same_model_twice_changes_nothing(words, keep: bool):
    options = toys.OPTIONS.model_copy(update={"keep_previous": keep})
    for text in "ab":
        toys.deploy(words.export(text), options)
    assert words.deployed() == ([1, 2] if keep else [2])
    changed(words)
    toys.deploy(str(words.export_dir("b")), options)
    assert changed(words) == []
    assert (words.split(), toys.versions_kept()) == ({2: 100}, ["1", "2"])


def test_a_list_that_is_late_to_show_a_version_leads_to_no_second_one(words):
    toys.deploy(words.export("a"))
    words.vertex.after = lambda rpc: setattr(words.vertex.models, "behind", 3) if rpc == "UploadModel" else None
    toys.deploy(words.export("b"))
    assert words.vertex.models.behind == 0
    assert (words.split(), sorted(versions(words))) == ({2: 100}, [1, 2])


def test_another_image_is_another_version_of_the_same_files(words):
    toys.deploy(words.export("a"))
    toys.deploy(words.export_dir("a"), image="europe-docker.pkg.dev/p/aocr/aocr-python:2")
    assert words.split() == {2: 100} and toys.versions_kept() == ["1"]


def test_an_evaluation_that_vertex_does_not_take_is_no_reason_not_to_deploy(words, caplog):
    words.vertex.faults.once("ImportModelEvaluation", InvalidArgument("what is exactMatch?"))
    toys.deploy(words.export("a"))
    assert words.split() == {1: 100}
    assert "cannot import the evaluation of" in caplog.text and "what is exactMatch?" in caplog.text


@pytest.mark.parametrize("reads", ["something else", None])
def test_a_version_that_reads_otherwise_than_its_export_goes(words, reads, monkeypatch):
    monkeypatch.setattr(trial, "PATIENCE_SECONDS", 0.5)
    toys.deploy(words.export("a"))
    words.toys.texts[f"{toys.SERVING}/aocr/2"] = reads
    said = r"reads \['something else'\] where its export reads \['b'\]" if reads else "out of order"
    with pytest.raises(AocrError, match=said):
        toys.deploy(words.export("b"))
    assert (words.split(), words.deployed()) == ({1: 100}, [1])
    assert "serving-words" in versions(words)[1] and versions(words)[2] == set()
    words.toys.texts[f"{toys.SERVING}/aocr/2"] = "b"
    changed(words)
    toys.deploy(words.export_dir("b"))
    assert words.split() == {2: 100}
    assert changed(words) == NEXT[2:]


def test_a_first_version_that_is_of_no_use_leaves_nothing_deployed(words):
    words.toys.texts[f"{toys.SERVING}/aocr/1"] = "nonsense"
    with pytest.raises(AocrError, match="where its export reads"):
        toys.deploy(words.export("a"))
    assert (words.split(), words.deployed()) == ({}, [])
    assert serving(toys.NAME) is None


def test_a_first_version_of_no_use_goes_from_beside_another_model_without_traffic(words):
    others_model(words)
    words.toys.texts[f"{toys.SERVING}/aocr/2"] = "nonsense"
    with pytest.raises(AocrError, match="where its export reads"):
        toys.deploy(words.export("b"))
    (left,) = words.vertex.endpoints.stored[toys.NAME].deployed_models
    assert (words.split(), left.display_name) == ({}, "theirs version 1")


@pytest.mark.parametrize(
    ("texts", "module", "broken", "left"),
    [
        ("a", trial, "tried", {1: 100}),
        ("ab", trial, "tried", {1: 80, 2: 20}),
        ("ab", registry, "mark_serving", {2: 100}),
    ],
)
def test_a_version_whose_rollout_was_killed_goes_if_it_is_of_no_use_then(words, texts, module, broken: str, left):
    for text in texts[:-1]:
        toys.deploy(words.export(text))
    before = words.split(), words.deployed()
    with pytest.MonkeyPatch.context() as killed:
        kill(killed, module, broken)
        with pytest.raises(SystemExit):
            toys.deploy(words.export(texts[-1]))
    assert words.split() == left
    words.toys.started[-1].text = "nonsense"
    with pytest.raises(AocrError, match="where its export reads"):
        toys.deploy(words.export_dir(texts[-1]))
    assert (words.split(), words.deployed()) == before


def test_what_a_killed_rollout_left_gets_no_more_traffic_when_the_version_before_is_deployed_again(words):
    toys.deploy(words.export("a"))
    with pytest.MonkeyPatch.context() as killed:
        kill(killed, trial, "tried")
        with pytest.raises(SystemExit):
            toys.deploy(words.export("b"))
    splits = []
    words.vertex.after = lambda rpc: splits.append(words.split()) if rpc == "UpdateEndpoint" else None
    toys.deploy(words.export_dir("a"))
    assert splits == [{1: 100}]
    assert (words.split(), words.deployed()) == ({1: 100}, [1])


def test_a_container_that_does_not_start_changes_nothing(words):
    toys.deploy(words.export("a"))
    words.toys.broken = True
    with pytest.raises(AocrError, match=r"^Model server exited unexpectedly\. it crashed$"):
        toys.deploy(words.export("b"))
    assert (words.split(), words.deployed()) == ({1: 100}, [1])


@pytest.mark.parametrize("texts", ["a", "ab"])
def test_a_version_that_is_up_after_it_was_given_up_gets_no_traffic(words, monkeypatch, texts: str):
    for text in texts[:-1]:
        toys.deploy(words.export(text))
    ends = words.vertex.endpoints
    ends.looks_until_up = 10**9

    def outlast(rpc: str) -> None:
        if rpc == "DeployModel":
            words.vertex.operations.asked = 10**9

    words.vertex.after = outlast
    before = words.split()
    with monkeypatch.context() as hasty:
        hasty.setattr(changes, "OPERATION_SECONDS", 0.2)
        with pytest.raises(AocrError, match="Vertex AI is still at work"):
            toys.deploy(words.export(texts[-1]))
    ends.looks_until_up = 1
    assert endpoints.existing(endpoints.connected(toys.NAME), toys.NAME)
    assert (words.split(), words.deployed()) == (before, list(range(1, 1 + len(texts))))
    words.vertex.operations.asked = 1
    toys.deploy(words.export_dir(texts[-1]))
    assert (words.split(), words.deployed()) == ({len(texts): 100}, [len(texts)])


def test_routers_that_are_slow_to_learn_are_waited_for(words, monkeypatch):
    monkeypatch.setattr(trial, "PAUSE", 0.01)
    toys.deploy(words.export("a"))
    words.vertex.endpoints.lag = 50
    words.vertex.endpoints.answered.clear()
    toys.deploy(words.export("b"))
    first, second = sorted(set(words.vertex.endpoints.answered))
    assert words.vertex.endpoints.answered[-trial.ANSWERS :] == [second] * trial.ANSWERS
    assert words.vertex.endpoints.answered.count(first) > 50


LOOKS = ["ListModelVersions", "ListModelEvaluations", "GetEndpoint", "GetOperation", "Predict", "GetModel"]


@pytest.mark.parametrize("rpc", LOOKS)
def test_too_many_looks_and_requests_pass(words, soon, rpc: str):
    toys.deploy(words.export("a"))
    words.vertex.faults.nth(rpc, 1, Fault(TooManyRequests("slow down")))
    toys.deploy(words.export("b"))
    assert words.vertex.faults.met == 1
    assert (words.split(), words.deployed()) == ({2: 100}, [2])


def test_a_version_is_tried_half_of_the_time_at_most(words):
    begun, ended = [], []

    class Slow(toys.Toy):
        def predict(self, body):
            begun.append(time.monotonic())
            time.sleep(0.03)
            ended.append(time.monotonic())
            return super().predict(body)

    words.vertex.endpoints.start = lambda model: Slow("a")
    toys.deploy(words.export("a"))
    assert len(begun) == trial.ANSWERS
    for number in range(1, len(begun)):
        assert begun[number] - ended[number - 1] >= ended[number - 1] - begun[number - 1]


def test_a_version_that_never_answers_goes(words, monkeypatch):
    monkeypatch.setattr(trial, "PAUSE", 0.01)
    monkeypatch.setattr(trial, "ROUTING_SECONDS", 0.1)
    toys.deploy(words.export("a"))
    words.vertex.endpoints.lag = 10**9
    with pytest.raises(AocrError, match=r"gave 0 of \d+ answers, with 20 % of the traffic"):
        toys.deploy(words.export("b"))
    assert (words.split(), words.deployed()) == ({1: 100}, [1])


def test_what_a_killed_rollout_left_goes_with_the_next_version(words):
    toys.deploy(words.export("a"))
    with pytest.MonkeyPatch.context() as killed:
        kill(killed, trial, "tried")
        with pytest.raises(SystemExit):
            toys.deploy(words.export("b"))
    assert words.split() == {1: 80, 2: 20}
    splits = []
    words.vertex.after = lambda rpc: splits.append(words.split()) if rpc == "DeployModel" else None
    toys.deploy(words.export("c"))
    assert splits == [{1: 100}]
    assert (words.split(), words.deployed()) == ({3: 100}, [3])


def test_endpoints_do_not_mix_up_what_they_serve(words):
    other = EndpointOptions(endpoint=toys.NAME.replace("words", "more"), canary_percent=20)
    toys.deploy(words.export("a"))
    toys.deploy(words.export("b"))
    toys.deploy(words.export("c"), other)
    toys.deploy(words.export_dir("b"), other)
    assert words.vertex.endpoints.split(other.endpoint) == {2: 100}
    deployment.rollback(None, "aocr", toys.OPTIONS)
    assert words.split() == {1: 100} and words.vertex.endpoints.split(other.endpoint) == {2: 100}
    deployment.rollback(None, "aocr", other)
    assert words.split() == {1: 100} and words.vertex.endpoints.split(other.endpoint) == {3: 100}
    with pytest.raises(AocrError, match="served before version 3"):
        deployment.rollback(None, "aocr", other)


def test_what_serves_is_the_version_with_most_traffic(words):
    assert deployment.serving(toys.SERVING, "aocr", toys.NAME) is None
    toys.deploy(words.export("a"))
    words.toys.texts[f"{toys.SERVING}/aocr/2"] = "nonsense"
    with pytest.raises(AocrError):
        toys.deploy(words.export("b"))
    # By the folder it would be the version that was of no use.
    assert deployment.serving(toys.SERVING, "aocr", None) == ("version 2", f"{toys.SERVING}/aocr/2")
    assert deployment.serving(toys.SERVING, "aocr", toys.NAME) == ("version 1 on words", f"{toys.SERVING}/aocr/1")


def test_a_model_of_somebody_else_stays_deployed(words, caplog):
    endpoints.direct(endpoints.connected(toys.NAME), toys.NAME, {others_model(words): 100})
    toys.deploy(words.export("b"))
    assert len(words.vertex.endpoints.stored[toys.NAME].deployed_models) == 2
    assert "stays deployed, without traffic" in caplog.text


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"image": None}, "no image for the endpoint"),
        ({"model_name": "Words.1"}, "--model-name Words.1: Vertex AI takes a-z"),
        ({"serving_dir": "/here"}, "Vertex AI cannot see this machine's files"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_asked(words, given, message):
    asked = {"export_dir": words.export("a"), "serving_dir": toys.SERVING, "model_name": "aocr", "image": toys.IMAGE}
    with pytest.raises(UsageError, match=message):
        deployment.deploy(**asked | given, options=toys.OPTIONS)
    assert words.vertex.names() == [] and toys.versions_kept() == []


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 100), max_size=9), st.integers(1, 100))
def test_shares_keep_their_sum_and_nearly_their_proportions(split, total):
    if sum(split.values()) == 0:
        split = {"a": 1}
    found = rollout.scaled(split, total)
    assert sum(found.values()) == total and set(found) <= set(split) and min(found.values()) > 0
    whole = sum(split.values())
    assert all(abs(found.get(key, 0) - share * total / whole) <= len(split) for key, share in split.items())
