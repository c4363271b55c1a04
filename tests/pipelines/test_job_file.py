"""`aocr-pipeline job` as a user types it, and its file as Google's own types read it."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from google.cloud.aiplatform_v1.types import CustomJobSpec
from google.protobuf import json_format

from aocr_core.cli.train import command as train
from aocr_core.errors import AocrError
from pipelines.cli import command
from tests.pipelines.conftest import DIGEST
from tests.pipelines.vertex.toys import IMAGE

NEEDED = ("gs://words/training.tfrecords", "--output-dir", "gs://words/job", "--image", IMAGE)


@pytest.fixture(autouse=True)
def nothing_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AOCR_IMAGE", raising=False)


def written(folder: Path, *words: str) -> tuple[Any, str]:
    """What is in the file, and what was printed."""
    file = folder / "job.yaml"
    result = CliRunner().invoke(command, ["job", "-o", str(file), *words])
    if result.exception:
        raise result.exception
    document = yaml.safe_load(file.read_text())
    return CustomJobSpec(json_format.ParseDict(document, CustomJobSpec.pb()())), result.stdout


def test_the_least_that_has_to_be_said(tmp_path: Path):
    spec, said = written(tmp_path, *NEEDED)
    assert said == f"gcloud ai custom-jobs create --region=REGION --display-name=NAME --config={tmp_path}/job.yaml\n"
    (pool,) = spec.worker_pool_specs
    assert (pool.machine_spec.machine_type, pool.replica_count) == ("n1-standard-8", 1)
    assert pool.container_spec.image_uri == IMAGE
    assert [*pool.container_spec.command, *pool.container_spec.args] == ["aocr", "train", NEEDED[0]]
    assert spec.base_output_directory.output_uri_prefix == "gs://words/job"
    assert spec.scheduling.restart_job_on_worker_restart and spec.scheduling.strategy.name == "STRATEGY_UNSPECIFIED"


def test_everything_that_was_asked_for_is_in_the_file(tmp_path: Path):
    words = (
        "--worker-count 3 --batch-size 96 --worker-accelerator NVIDIA_TESLA_T4:2 --worker-machine n1-highmem-16 "
        "--worker-spot --timeout-hours 1.5 --no-restart --service-account a@p.iam.gserviceaccount.com "
        "--network projects/1/global/networks/n --validation gs://words/testing.tfrecords"
    )
    spec, _ = written(tmp_path, *NEEDED, *words.split())
    chief, others = spec.worker_pool_specs
    assert (chief.replica_count, others.replica_count) == (1, 2)
    assert chief.machine_spec == others.machine_spec and chief.container_spec == others.container_spec
    machine = chief.machine_spec
    assert (machine.machine_type, machine.accelerator_type.name, machine.accelerator_count) == (
        "n1-highmem-16",
        "NVIDIA_TESLA_T4",
        2,
    )
    scheduling = spec.scheduling
    assert (scheduling.strategy.name, scheduling.timeout.total_seconds()) == ("SPOT", 5400)
    assert not scheduling.restart_job_on_worker_restart
    assert (spec.service_account, spec.network) == ("a@p.iam.gserviceaccount.com", "projects/1/global/networks/n")
    assert "--validation=gs://words/testing.tfrecords" in chief.container_spec.args


def test_nothing_in_the_file_refers_to_something_else_in_it(tmp_path: Path):
    """Google's reader of YAML knows no anchors, and the pools of several workers are alike."""
    written(tmp_path, *NEEDED, "--worker-count", "2")
    events = list(yaml.parse((tmp_path / "job.yaml").read_text()))
    assert not [event for event in events if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None)]


def test_options_of_the_training_arrive_at_it_as_they_were_given(tmp_path: Path):
    flags = ["--num-epoch", "20", "--batch-size", "512", "--steps-per-checkpoint", "500", "--no-augment", "--color"]
    (pool,) = written(tmp_path, *NEEDED, *flags)[0].worker_pool_specs
    parsed = train.make_context("train", list(pool.container_spec.args)[1:]).params
    meant = train.make_context("train", [NEEDED[0], *flags]).params
    assert parsed == meant


def test_a_tag_is_written_as_the_digest_that_it_stands_for(tmp_path: Path, registry: str):
    for words, expected in (((), f"@{DIGEST}"), (("--no-pin",), ":1")):
        spec, _ = written(tmp_path, *NEEDED[:3], "--image", f"{registry}/p/aocr:1", *words)
        assert spec.worker_pool_specs[0].container_spec.image_uri == f"{registry}/p/aocr{expected}"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (NEEDED[:3], "^--image is missing"),
        ((NEEDED[0], *NEEDED[3:]), "^--output-dir is missing"),
        (("training.tfrecords", *NEEDED[1:]), "^DATASET training.tfrecords: Vertex AI cannot see this machine"),
        ((*NEEDED, "--validation", "t.tfrecords"), "^--validation t.tfrecords: Vertex AI cannot see"),
        ((*NEEDED, "--output-dir", "out"), "^--output-dir: input should be like gs://BUCKET/FOLDER"),
        ((*NEEDED, "--num-epoch", "0"), "^--num-epoch: input should be greater than 0"),
        ((*NEEDED, "--worker-count", "0"), "^--worker-count: "),
        ((*NEEDED, "--worker-count", "5"), "^--batch-size 32 cannot be shared evenly by 5 devices"),
        ((*NEEDED, "--image", "europe-docker.pkg.dev/PROJECT/r/i"), "put your project in the place of PROJECT"),
    ],
)
def test_mistakes_are_told_in_one_line_and_nothing_is_written(tmp_path: Path, words: tuple[str, ...], message: str):
    with pytest.raises(AocrError, match=message) as caught:
        written(tmp_path, *words)
    assert "\n" not in str(caught.value) and not (tmp_path / "job.yaml").exists()


def test_a_place_that_cannot_be_written_to_is_told(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(AocrError, match=r"^cannot write .*/file/job\.yaml: "):
        written(tmp_path, *NEEDED, "-o", str(tmp_path / "file" / "job.yaml"))
