"""`aocr serve`: answer over HTTP."""

import os
import signal
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from aocr_core.cli import options, tf_serving_flags
from aocr_core.config import ServeOptions
from aocr_core.errors import AocrError, UsageError

if TYPE_CHECKING:
    from aocr_core.serving.vertex import Contract


def _like_tf_serving(flag: str) -> str:
    """TF Serving writes its flags with underscores; `--rest_api_port` is `--rest-api-port`."""
    return flag.replace("_", "-")


class _LikeTfServing(click.Command):
    """Says of TF Serving's flags that mean nothing here that they are ignored."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        left, notes = tf_serving_flags.split(args)
        for note in notes:
            click.echo(note, err=True)
        return super().parse_args(ctx, left)


@click.command(cls=_LikeTfServing, context_settings={"token_normalize_func": _like_tf_serving})
@click.argument("directory", metavar="[DIR]", required=False)
@click.option("--model-base-path", metavar="DIR", help="Another way to give DIR (TF Serving's flag).")
@options.from_config(ServeOptions)
def command(directory: str | None, model_base_path: str | None, **values: Any) -> None:
    """Serve the models exported to DIR over HTTP.

    DIR holds one folder per version (DIR/1, DIR/2, ...), or one per model with such folders in it. The highest version
    serves, and a new one is picked up while serving; of a DIR in a bucket (gs://...) only what serves is fetched. The
    flags of tensorflow_model_server work too. Where Vertex AI sets the AIP_ variables, its container contract holds.

    \b
    aocr serve exported/
    curl -X POST http://127.0.0.1:9001/v1/models/aocr:predict \\
      -d "{\\"inputs\\": {\\"input\\": {\\"b64\\": \\"$(base64 -w0 word.png)\\"}}}"
    """
    from aocr_core.serving import vertex

    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    contract = vertex.from_environment(os.environ)
    if contract:
        given = {name: value for name, value in values.items() if value is not None}
        values = {"host": contract.host, "rest_api_port": contract.port} | given
    base = _only_one(directory, model_base_path) or (contract and contract.storage_uri)
    if not base:
        raise UsageError("which model? Name the folder of the export: aocr serve DIR")
    serve_options = options.build(ServeOptions, values)
    if serve_options.model_threads > 1:
        # Read by TensorFlow when it is imported: batches that run beside one another share the cores.
        share = max(1, (os.cpu_count() or 1) // serve_options.model_threads)
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(share))
    _serve(base, serve_options, contract)


def _serve(base: str, serve_options: ServeOptions, contract: "Contract | None") -> None:
    try:
        from aocr_core.serving import token
        from aocr_core.serving.server import Server
    except ModuleNotFoundError as error:
        if error.name not in ("fastapi", "uvicorn", "starlette", "prometheus_client"):
            raise
        raise AocrError("the server needs more packages; run: pip install 'aocr-pipeline[serve]'") from error
    from aocr_core import storage

    secret = token.read(serve_options.token_file, os.environ)
    if storage.is_remote(base):
        from aocr_core.serving.mirror import Mirror

        with tempfile.TemporaryDirectory(prefix="aocr-", ignore_cleanup_errors=True) as fetched:
            return Server(Mirror(base, Path(fetched)), serve_options, contract, secret).run()
    if storage.in_bucket(base) and not storage.exists(base):
        raise UsageError(f"no such folder: {base}")
    with storage.local_copy(base) if storage.exists(base) else nullcontext(Path(base)) as folder:
        Server(folder, serve_options, contract, secret).run()


def _only_one(directory: str | None, model_base_path: str | None) -> str | None:
    if directory and model_base_path and directory != model_base_path:
        raise UsageError(f"two folders given: {directory} and --model-base-path {model_base_path}")
    return directory or model_base_path


def _leave(number: int, frame: FrameType | None) -> None:
    """To be told to stop is the normal end of a server; uvicorn raises the signal again after its clean-up."""
    sys.exit(0)
