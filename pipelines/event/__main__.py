"""`python -m pipelines.event`: the function as a server. Options are those of `functions-framework`."""

import os
import runpy
import sys
from pathlib import Path

from aocr_core.errors import AocrError
from pipelines.event import settings

if __name__ == "__main__":
    try:
        settings.load()
    except AocrError as error:
        print(f"pipelines.event: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    os.environ.setdefault("FUNCTION_SOURCE", str(Path(__file__).with_name("main.py")))
    os.environ.setdefault("FUNCTION_TARGET", "on_upload")
    os.environ.setdefault("FUNCTION_SIGNATURE_TYPE", "cloudevent")
    # Cloud Run, which sets K_SERVICE, lets in only whom IAM lets in; elsewhere the function is for this machine.
    os.environ.setdefault("HOST", "0.0.0.0" if os.environ.get("K_SERVICE") else "127.0.0.1")
    runpy.run_module("functions_framework", run_name="__main__", alter_sys=True)
