"""What is in the image, what is not, and how it is when nobody has given it anything."""

import json
import re
import shlex

import pytest
from packaging.version import Version

import aocr_core
from aocr_core.cli.main import COMMANDS
from pipelines.cli import COMMANDS as PIPELINE_COMMANDS
from tests.image.locks import locked

# What is installed, and the modules that a first import would have to compile.
INSTALLED = "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions()}))"
UNCOMPILED = """
import importlib, sys
from pathlib import Path
for name in {modules}:
    importlib.import_module(name)
known = [(name, getattr(module, "__cached__", None)) for name, module in sorted(sys.modules.items())]
print([name for name, cached in known if cached and name != "__main__" and not Path(cached).is_file()])
"""
MODULES = [
    *("ai_edge_litert.interpreter", "fastapi", "google.cloud.aiplatform", "google.cloud.storage", "keras", "kfp"),
    *("kfp.dsl.executor_main", "onnxruntime", "tensorflow", "tf2onnx", "uvicorn"),
    *("aocr_core.cli.serve", "components.train", "functions_framework", "pipelines.event.handler"),
    "pipelines.training",
]


def test_describes_itself(engine, image):
    config = engine.images.get(image).attrs["Config"]
    labels = {name.removeprefix("org.opencontainers.image."): text for name, text in config["Labels"].items()}
    assert labels["version"] == aocr_core.__version__ and labels["licenses"] == "MIT"
    assert not labels["revision"]  # else it would be another image for each commit
    assert config["User"] == "10001"
    assert not config.get("Entrypoint")
    assert config["Healthcheck"]["Test"][0] == "CMD"


def test_nobody_is_root_or_can_build(output):
    assert output("id", "-u").strip() == "10001"
    tools = "gcc cc g++ make ld strip git"
    assert output("sh", "-c", f"for tool in {tools}; do command -v $tool || true; done") == ""
    modules = ("pip", "setuptools", "pytest", "mypy", "hypothesis", "distance")
    code = f"from importlib.util import find_spec; print([name for name in {modules} if find_spec(name)])"
    assert output("python", "-c", code).strip() == "[]"
    assert "Permission denied" in output("sh", "-c", "touch /opt/venv/bin/mine", expect=1)


def test_holds_what_its_lock_says_and_our_own_code(output):
    installed = json.loads(output("python", "-c", INSTALLED))
    found = {re.sub("[_.]", "-", name).lower(): Version(version) for name, version in installed.items()}
    wanted = locked("cpu" if "tensorflow-cpu" in found else "cuda")
    del wanted["setuptools"]
    assert found.pop("aocr-pipeline") == Version(aocr_core.__version__)
    assert found == {name: Version(version) for name, (version, _) in wanted.items()}


def test_everything_is_importable_and_compiled(output):
    assert output("python", "-W", "ignore", "-c", UNCOMPILED.format(modules=MODULES)).splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("program", "commands"), [("aocr", COMMANDS), ("aocr-pipeline", PIPELINE_COMMANDS)], ids=["aocr", "aocr-pipeline"]
)
def test_every_command_is_there(output, program, commands):
    shown = output("sh", "-ec", "\n".join(f"{program} {shlex.quote(name)} --help" for name in commands))
    assert shown.count(f"Usage: {program} ") == len(commands)
    assert output(program, "--version").strip() == f"{program}, version {aocr_core.__version__}"


def test_without_anything_to_serve_it_says_so(output):
    assert "which model? Name the folder of the export: aocr serve DIR" in output(expect=2)


@pytest.mark.slow
def test_trains_and_exports_to_every_format(output):
    """What has been left out or stripped is needed by none of them."""
    walk = """
    aocr synth words --count 60 --test-count 12
    aocr dataset words/training.txt data
    aocr train data --num-epoch 1 --pretrain never
    aocr export exported
    aocr export --format frozengraph frozen
    aocr export --format litert lite
    aocr export --format onnx onnx
    aocr predict $(find words -name '*.png' | head -n 3)
    ls exported/1/saved_model.pb frozen lite onnx
    """
    shown = output("sh", "-ec", walk)
    assert "exported/1/saved_model.pb" in shown
