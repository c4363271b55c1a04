"""`…/customJobs`: what is sent is checked as Google does, stored, and run: every replica is a process on loopback."""

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from google.api_core.exceptions import FailedPrecondition, InvalidArgument, NotFound
from google.cloud.aiplatform_v1.types import CustomJob, JobState, ListCustomJobsResponse

from tests import ports
from tests.vertex import rpc

ROOT = Path(__file__).parents[2]
AOCR = [sys.executable, "-c", "from aocr_core.cli.main import main; main()"]
"""What the command `aocr` is in the image."""
ENDS = (JobState.JOB_STATE_SUCCEEDED, JobState.JOB_STATE_FAILED, JobState.JOB_STATE_CANCELLED)
KINDS = ("chief", "worker")
"""What `TF_CONFIG` calls the first two worker pools."""
PASSING = (-signal.SIGKILL, -signal.SIGTERM, 130, 137, 143)
"""Exit codes of processes that were ended from outside; all others are taken for mistakes of the program."""
MOST_RESTARTS = 3
MOST_AT_ONCE = 2
"""Jobs in one answer to `list`: few, so that the client has to turn pages."""


class Replicas:
    """The processes of one job.

    Args:
        job: its specification.
        folder: their working directories and logs go here.
    """

    def __init__(self, job: CustomJob, folder: Path) -> None:
        pools = job.job_spec.worker_pool_specs
        self._ports = contextlib.ExitStack()
        held = [self._ports.enter_context(ports.held(pool.replica_count)) for pool in pools]
        hosts = [[f"127.0.0.1:{port}" for port in pool] for pool in held]
        self.processes: dict[str, subprocess.Popen] = {}
        for number, pool in enumerate(pools):
            for index in range(pool.replica_count):
                name = f"workerpool{number}-{index}"
                here = folder / name
                here.mkdir(parents=True, exist_ok=True)
                command = [*pool.container_spec.command, *pool.container_spec.args]
                if command[0] == "aocr":
                    command[:1] = AOCR
                with (here.with_suffix(".log")).open("ab") as log:
                    self.processes[name] = subprocess.Popen(
                        command,
                        cwd=here,
                        env=os.environ
                        | {"PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "-1"}
                        | self._told(job, hosts, number, index)
                        | {variable.name: variable.value for variable in pool.container_spec.env},
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                    )

    @staticmethod
    def _told(job: CustomJob, hosts: list[list[str]], pool: int, index: int) -> dict[str, str]:
        """The environment variables of a replica: https://cloud.google.com/vertex-ai/docs/training/code-requirements."""
        cluster = dict(zip(KINDS, hosts, strict=False))
        told = {"cluster": cluster, "task": {"type": KINDS[pool], "index": index}, "environment": "cloud"}
        variables = {"TF_CONFIG": json.dumps(told), "CLOUD_ML_PROJECT_ID": job.name.split("/")[1]}
        if output := job.job_spec.base_output_directory.output_uri_prefix:
            place = output.rstrip("/")
            variables["AIP_MODEL_DIR"] = f"{place}/model/"
            variables["AIP_CHECKPOINT_DIR"] = f"{place}/checkpoints/"
            variables["AIP_TENSORBOARD_LOG_DIR"] = f"{place}/logs/"
        return variables

    def end(self, kind: int = signal.SIGKILL) -> None:
        """End those that are left, and wait for them."""
        for process in self.processes.values():
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, kind)
        for process in self.processes.values():
            process.wait(timeout=60)
        self._ports.close()


class CustomJobs:
    """Answers for the JobService; with `running` off, jobs stay PENDING."""

    def __init__(self, folder: Path) -> None:
        self.stored: dict[str, CustomJob] = {}
        self.running = True
        self.replicas: dict[str, Replicas] = {}
        self._folder = folder
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()
        self._followers: list[threading.Thread] = []
        self._over = threading.Event()

    def create_custom_job(self, request: Any) -> CustomJob:
        job = CustomJob(CustomJob.pb(request.custom_job))
        self.check(job)
        with self._lock:
            now = datetime.now(UTC)
            job.name = f"{request.parent}/customJobs/{next(self._numbers)}"
            job.create_time, job.update_time, job.state = now, now, JobState.JOB_STATE_PENDING
            self.stored[job.name] = job
            if self.running:
                follower = threading.Thread(target=self._follow, args=(job.name,), daemon=True)
                self._followers.append(follower)
                follower.start()
            return self._copy(job)

    def get_custom_job(self, request: Any) -> CustomJob:
        with self._lock:
            return self._copy(self._existing(request.name))

    def list_custom_jobs(self, request: Any) -> ListCustomJobsResponse:
        with self._lock:
            here = [self._copy(job) for name, job in self.stored.items() if name.startswith(request.parent + "/")]
        wanted = rpc.chosen(here[::-1], request.filter, {"display_name": lambda job: job.display_name})
        part, token = rpc.page(wanted, request, MOST_AT_ONCE)
        return ListCustomJobsResponse(custom_jobs=part, next_page_token=token)

    def cancel_custom_job(self, request: Any) -> None:
        with self._lock:
            job = self._existing(request.name)
            if job.state in ENDS:
                raise FailedPrecondition(f"CustomJob {request.name} is in a final state: {job.state.name}.")
            job.state = JobState.JOB_STATE_CANCELLING
        if request.name in self.replicas:
            self.replicas[request.name].end(signal.SIGTERM)
        elif not self.running:
            self._ended(request.name, JobState.JOB_STATE_CANCELLED)

    def take_away(self, name: str, replica: str) -> None:
        """End the machine of a replica (`workerpool1-0`), as happens to a Spot machine."""
        os.killpg(self.replicas[name].processes[replica].pid, signal.SIGKILL)

    def log(self, name: str, replica: str = "workerpool0-0") -> str:
        """What a replica has printed."""
        return (self._folder / name.rpartition("/")[2] / f"{replica}.log").read_text()

    def stop(self) -> None:
        """End all jobs."""
        self._over.set()
        with self._lock:
            for replicas in self.replicas.values():
                replicas.end()
        for follower in self._followers:
            follower.join(timeout=60)

    @staticmethod
    def check(job: CustomJob) -> None:
        """Refuse what Vertex AI would.

        Raises:
            InvalidArgument: it is no such job.
        """
        pools = job.job_spec.worker_pool_specs
        if not job.display_name or len(job.display_name) > 128:
            raise InvalidArgument("display_name must have 1 to 128 characters.")
        if not pools or pools[0].replica_count != 1:
            raise InvalidArgument("The replica count of the first worker pool must be 1.")
        for number, pool in enumerate(pools):
            if number >= len(KINDS):
                raise InvalidArgument("The stand-in knows no parameter servers and no evaluators.")
            if not pool.machine_spec.machine_type or pool.replica_count < 1 or not pool.container_spec.image_uri:
                raise InvalidArgument(f"worker_pool_specs[{number}] lacks machine type, replica count or image.")
            if bool(pool.machine_spec.accelerator_type) != bool(pool.machine_spec.accelerator_count):
                raise InvalidArgument("accelerator_type and accelerator_count belong together.")
        output = job.job_spec.base_output_directory.output_uri_prefix
        if output and not output.startswith("gs://"):
            raise InvalidArgument("base_output_directory must be a path in Cloud Storage.")

    def _follow(self, name: str) -> None:
        """Run a job to its end; if a replica is lost, start all again where that is wanted."""
        job = self.stored[name]
        scheduling = job.job_spec.scheduling
        again = scheduling.restart_job_on_worker_restart and not scheduling.disable_retries
        for _ in range(MOST_RESTARTS + 1):
            with self._lock:
                if self._over.is_set() or job.state == JobState.JOB_STATE_CANCELLING:
                    break
                self.replicas[name] = replicas = Replicas(job, self._folder / name.rpartition("/")[2])
                job.state, job.start_time = JobState.JOB_STATE_RUNNING, job.start_time or datetime.now(UTC)
            lost = self._first_to_fail(replicas)
            replicas.end(signal.SIGTERM if lost is None else signal.SIGKILL)
            if lost is None:
                self._ended(name, JobState.JOB_STATE_SUCCEEDED)
                return
            passing = replicas.processes[lost].returncode in PASSING
            if job.state == JobState.JOB_STATE_CANCELLING or not (passing and again):
                break
        if job.state == JobState.JOB_STATE_CANCELLING or self._over.is_set():
            self._ended(name, JobState.JOB_STATE_CANCELLED)
        else:
            code = replicas.processes[lost].returncode
            self._ended(name, JobState.JOB_STATE_FAILED, f"The replica {lost} exited with a non-zero status of {code}.")

    def _first_to_fail(self, replicas: Replicas) -> str | None:
        """The name of the first replica to end badly; None when the chief has ended well."""
        while True:
            for name, process in replicas.processes.items():
                code = process.poll()
                if code:
                    return name
                if code == 0 and name == "workerpool0-0":
                    return None
            self._over.wait(0.1)

    def _ended(self, name: str, state: JobState, message: str = "") -> None:
        with self._lock:
            job = self.stored[name]
            job.state, job.end_time = state, datetime.now(UTC)
            if message:
                job.error = {"code": 3, "message": message}

    def _existing(self, name: str) -> CustomJob:
        if name not in self.stored:
            raise NotFound(f"The CustomJob does not exist: {name}")
        return self.stored[name]

    @staticmethod
    def _copy(job: CustomJob) -> CustomJob:
        return CustomJob(CustomJob.pb(job))
