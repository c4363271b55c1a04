from pathlib import Path

from pipelines import spec


def test_stamping_changes_nothing_but_the_environment():
    before = spec.load()
    after = spec.stamped(before, AOCR_CODE_VERSION="abc")
    assert before == spec.load()
    executors = before["deploymentSpec"]["executors"]
    for name, executor in after["deploymentSpec"]["executors"].items():
        had = executors[name]["container"].pop("env", [])
        assert executor["container"].pop("env") == [{"name": "AOCR_CODE_VERSION", "value": "abc"}, *had]
    assert after == before


def test_a_second_stamp_keeps_the_first_and_replaces_its_own():
    once = spec.stamped(spec.load(), A="1", B="2")
    twice = spec.stamped(once, B="3")
    for executor in twice["deploymentSpec"]["executors"].values():
        variables = {variable["name"]: variable["value"] for variable in executor["container"]["env"]}
        assert (variables["A"], variables["B"]) == ("1", "3")
        assert len(variables) == len(executor["container"]["env"])


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
