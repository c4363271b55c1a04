from pathlib import Path
from typing import Any

from pipelines import spec


def containers(document: spec.Spec) -> dict[str, dict[str, Any]]:
    """What the steps run in, by the executor's name."""
    executors = document["deploymentSpec"]["executors"]
    return {name: executor["container"] for name, executor in executors.items()}


def test_stamping_changes_nothing_but_the_environment():
    before = spec.load()
    after = spec.stamped(before, AOCR_CODE_VERSION="abc")
    assert before == spec.load()
    for name, container in containers(after).items():
        old = containers(before)[name].pop("env", [])
        new = {(variable["name"], variable["value"]) for variable in container.pop("env")}
        assert new == {(variable["name"], variable["value"]) for variable in old} | {("AOCR_CODE_VERSION", "abc")}
    assert after == before


def test_a_second_stamp_keeps_the_first_and_replaces_its_own():
    once = spec.stamped(spec.load(), A="1", B="2")
    twice = spec.stamped(once, B="3")
    for container in containers(twice).values():
        stamps = [variable for variable in container["env"] if variable["name"] in ("A", "B")]
        assert sorted(stamps, key=lambda variable: variable["name"]) == [
            {"name": "A", "value": "1"},
            {"name": "B", "value": "3"},
        ]


def test_on_one_machine_no_step_is_tried_again():
    before = spec.load()
    after = spec.tried_once(before)
    policies = {name: task.pop("retryPolicy", None) for dag in spec.dags(before) for name, task in dag["tasks"].items()}
    assert {name for name, policy in policies.items() if policy} == {"train"}
    assert policies["train"]["maxRetryCount"] == 2
    assert after == before


def test_a_dumped_spec_is_the_same_spec(tmp_path: Path):
    path = tmp_path / "pipeline.yaml"
    path.write_text(spec.dump(spec.load()), encoding="utf-8")
    assert spec.load(path) == spec.load()


def test_the_code_version_follows_the_sources(tmp_path: Path):
    for package in ("aocr_core", "components"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "module.py").write_text("A = 1\n")
    versions = set()
    for change in ("A = 1\n", "A = 2\n", "A = 1\n"):
        (tmp_path / "components" / "module.py").write_text(change)
        versions.add(spec.hashed({package: tmp_path / package for package in ("aocr_core", "components")}))
    assert len(versions) == 2
    (tmp_path / "components" / "__pycache__").mkdir()
    (tmp_path / "components" / "__pycache__" / "module.pyc").write_bytes(b"x")
    assert spec.hashed({package: tmp_path / package for package in ("aocr_core", "components")}) in versions
    assert len(spec.code_version()) == 12
