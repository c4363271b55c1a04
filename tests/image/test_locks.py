"""What the image installs is what was tested: the packages of requirements.lock, without those for development."""

import re
import tomllib

import pytest

from tests.image.locks import FLAVOURS, ROOT, locked, packages

TESTED = packages((ROOT / "requirements.lock").read_text())
FOR_DEVELOPMENT = {"gcp-storage-emulator", "hypothesis", "mypy", "pip", "pytest", "ruff", "schemathesis", "uv", "wheel"}


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_versions_and_hashes_are_those_that_were_tested(flavour: str):
    own = {"tensorflow-cpu"} | {name for name in locked(flavour) if name.startswith("nvidia-")}
    assert {name: TESTED.get(name) for name in locked(flavour) if name not in own} == {
        name: found for name, found in locked(flavour).items() if name not in own
    }
    assert all(hashes for _, hashes in locked(flavour).values())


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_each_flavour_has_one_tensorflow_of_the_tested_version(flavour: str):
    found = {name: locked(flavour)[name][0] for name in ("tensorflow", "tensorflow-cpu") if name in locked(flavour)}
    assert found == {{"cpu": "tensorflow-cpu", "cuda": "tensorflow"}[flavour]: TESTED["tensorflow"][0]}
    assert any(name.startswith("nvidia-") for name in locked(flavour)) == (flavour == "cuda")


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_nothing_for_development_and_all_that_is_asked_for(flavour: str):
    assert not FOR_DEVELOPMENT & set(locked(flavour))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *extras["fonts"], *extras["pipeline"], *extras["serve"], *extras["export"]]
    names = {re.split(r"[<>=!\[]", requirement)[0] for requirement in asked} - {"aocr-pipeline", "tensorflow"}
    assert names and names <= set(locked(flavour))


def test_the_flavours_differ_in_tensorflow_alone():
    only = set(locked("cpu")) ^ set(locked("cuda"))
    assert {name for name in only if not name.startswith("nvidia-")} == {"tensorflow", "tensorflow-cpu"}
