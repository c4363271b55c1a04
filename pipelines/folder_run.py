"""One run in a build folder: from what the user gave to a summary."""

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aocr_core import storage
from aocr_core.approval.publish import FIGURES, PAGE
from aocr_core.config import SynthOptions
from aocr_core.errors import AocrError
from aocr_core.progress import EVENT_FILE_VARIABLE
from aocr_core.training.unfinished import UNFINISHED_DIR_VARIABLE
from pipelines import containers, local, mounts, parameters, question, spec
from pipelines.data_version import fingerprint
from pipelines.local import StepRun
from pipelines.progress_view import ProgressView
from pipelines.summary import Summary, figures, step_times
from pipelines.words import rendered


def run(
    build_dir: Path, given: dict[str, Any], synth: SynthOptions, keep_endpoint: bool, image: str | None = None
) -> Summary:
    """Run the compiled pipeline, gather what it made in the build folder, and ask the deployed model once.

    Args:
        build_dir: everything is written here.
        given: parameters of the pipeline that the user chose; without `annotations` words are rendered.
        synth: which words.
        keep_endpoint: whether the endpoint stays up.
        image: container image that the steps run in; None: this Python environment.

    Raises:
        UsageError: a parameter is out of its range.
        AocrError: a step failed, the Docker engine has no such image, or the endpoint does not answer as it should.
    """
    parameters.check(given)
    _make(build_dir)
    code_version = spec.code_version()
    compiled = spec.tried_once(spec.load())
    steps_version = code_version
    if image:
        found = containers.image_id(image)
        # What the steps do depends on the image, not on the sources here.
        compiled, steps_version = spec.in_image(compiled, found), found.removeprefix("sha256:")[:12]
    arguments = _arguments(build_dir, given, synth, code_version)
    titles = {step.name: step.title for step in spec.steps(compiled)}
    log = build_dir / "pipeline.log"
    began = time.monotonic()
    events = build_dir / "progress.jsonl"
    kept = _unfinished(build_dir / "unfinished", steps_version)
    inherited = {EVENT_FILE_VARIABLE: str(events.resolve()), UNFINISHED_DIR_VARIABLE: str(kept.resolve())}
    with _runner(build_dir, arguments, inherited, image) as runner, ProgressView(titles, events) as view:
        stamped = spec.stamped(compiled, **{spec.CODE_VERSION_VARIABLE: steps_version})
        runs = local.run(stamped, arguments, (build_dir / "pipeline").resolve(), log, view, runner)
    seconds = time.monotonic() - began
    summary = _summary(build_dir, runs, titles, seconds)
    if summary.serving:
        asked = question.ask(build_dir, Path(summary.serving).resolve(), runs, code_version, keep_endpoint)
        summary = summary.model_copy(update={"asked": asked})
    (build_dir / "summary.json").write_text(summary.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return summary


def _arguments(build_dir: Path, given: dict[str, Any], synth: SynthOptions, code_version: str) -> dict[str, Any]:
    arguments = dict(given)
    if "annotations" not in arguments:
        training, test = rendered((build_dir / "words").resolve(), synth, code_version)
        arguments |= {"annotations": training, "test_annotations": test}
    files = [arguments[name] for name in ("annotations", "test_annotations") if arguments.get(name)]
    arguments["data_version"] = fingerprint(files, arguments.get("charset", ""))
    arguments["serving_dir"] = str((build_dir / "serving").resolve())
    return arguments


def _make(build_dir: Path) -> None:
    try:
        build_dir.mkdir(parents=True, exist_ok=True)
        (build_dir / "pipeline.log").touch()
    except OSError as error:
        raise AocrError(f"cannot write the build folder {build_dir}: {error.strerror}") from error


def _unfinished(folder: Path, code_version: str) -> Path:
    """Where interrupted trainings are kept; those of other code are not gone on with, and go."""
    kept = folder / code_version
    for old in folder.glob("*"):
        if old != kept:
            shutil.rmtree(old, ignore_errors=True)
    return kept


@contextmanager
def _runner(
    build_dir: Path, arguments: Mapping[str, Any], variables: Mapping[str, str], image: str | None
) -> Iterator[Any]:
    """What runs the steps, with `variables` in their environment; None: KFP's processes."""
    if image:
        with containers.runner(str(build_dir.resolve()), mounts.needed(arguments), variables) as runner:
            yield runner
        return
    os.environ.update(variables)
    try:
        yield None
    finally:
        for name in variables:
            del os.environ[name]


def _summary(build_dir: Path, runs: dict[str, StepRun], titles: dict[str, str], seconds: float) -> Summary:
    """Copy what people look for to fixed places, and gather the figures."""
    built = figures(runs, "build-tfrecords", "metrics")
    scores = figures(runs, "evaluate", "metrics")
    decision = json.loads(_output(runs, "approve", "record", FIGURES).read_bytes())
    model, report, reasons = build_dir / "model", build_dir / "report.html", build_dir / PAGE
    with storage.output_dir(model) as folder:
        shutil.copytree(runs["train"].outputs["model"].path, folder, dirs_exist_ok=True)
    storage.write_bytes(report, storage.read_bytes(runs["evaluate"].outputs["report"].path))
    storage.write_bytes(reasons, _output(runs, "approve", "record", PAGE).read_bytes())
    return Summary(
        approved=decision["approved"],
        verdict=decision["verdict"],
        reasons=decision["reasons"],
        accuracy=scores["accuracy"],
        cer=scores["cer"],
        training_rows=built["training_rows"],
        test_rows=built["test_rows"],
        rejected_rows=built["rejected_rows"],
        rejected=_rejected(build_dir, runs["build-tfrecords"]),
        seconds=round(seconds, 2),
        overhead_seconds=round(seconds - sum(run.seconds for run in runs.values()), 2),
        steps=step_times(runs, titles),
        report=str(report),
        decision=str(reasons),
        model=str(model),
        serving=_serving(build_dir, runs, decision),
        asked=None,
        log=str(build_dir / "pipeline.log"),
    )


def _serving(build_dir: Path, runs: dict[str, StepRun], decision: Mapping[str, Any]) -> str | None:
    """The version that serves this model: the one just deployed, or the one that the model does not differ from."""
    if "deploy" in runs:
        return _as_given(build_dir, runs["deploy"].outputs["Output"])
    unchanged = decision["verdict"] == "no_change" and not decision["options"]["serving_export"]
    return _as_given(build_dir, decision["serving"]["export"]) if unchanged else None


def _output(runs: dict[str, StepRun], step: str, artifact: str, name: str) -> Path:
    return Path(runs[step].outputs[artifact].path, name)


def _rejected(build_dir: Path, built: StepRun) -> list[str]:
    """The tables of rejected rows that have more than a header."""
    tables = [Path(built.outputs[part].path, "rejected.tsv") for part in ("training", "test")]
    return [_as_given(build_dir, str(table)) for table in tables if table.read_bytes().count(b"\n") > 1]


def _as_given(build_dir: Path, path: str) -> str:
    """A path below the build folder, written the way the user wrote the build folder."""
    return str(build_dir / Path(path).relative_to(build_dir.resolve()))
