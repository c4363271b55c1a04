"""The fuzzing benchmark, small."""

import subprocess
import sys

import pytest

from tests.aocr_core.serving import tiny_export


@pytest.mark.slow
def test_nothing_that_is_sent_is_answered_with_a_failure(tmp_path):
    tiny_export.write(tmp_path / "1")
    command = [sys.executable, "-m", "benchmarks.serving_fuzz", str(tmp_path), "--requests", "400"]
    command += ["--most-growth", "1000"]  # with so few requests it is TensorFlow's start that is measured
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the same image before and after: True" in done.stdout
