"""A step that is told to end, as a cancelled run's are, takes back what it has begun on the endpoint."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.components.vertex import toys
from tests.components.vertex.test_custom_jobs import until

STEP = f"""
import sys
from types import SimpleNamespace
from components.deploy import deploy
deploy.python_func(
    SimpleNamespace(path=sys.argv[1]), SimpleNamespace(metadata={{}}), serving_dir="{toys.SERVING}", model_name="aocr",
    endpoint="{toys.NAME}", canary_percent=20, serving_machine="n1-standard-2", max_replicas=1, keep_previous=False,
)
"""


def test_a_deployment_that_is_told_to_end_leaves_no_canary(words):
    toys.deploy(words.export("a"))
    words.vertex.endpoints.lag = 10**9  # the version that comes is waited for as long as it gets no requests
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3]), "AOCR_IMAGE": toys.IMAGE}
    step = subprocess.Popen([sys.executable, "-c", STEP, words.export("b")], env=environment)
    try:
        until(lambda: words.split() == {1: 80, 2: 20}, seconds=120)
        step.send_signal(signal.SIGTERM)
        assert step.wait(timeout=60) != 0
    finally:
        step.kill()
        step.wait()
    assert (words.split(), words.deployed()) == ({1: 100}, [1])
