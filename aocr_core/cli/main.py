"""Entry point of `aocr`: finds the sub-command, turns errors into one line and an exit code."""

import importlib
import sys
from typing import Any

import click

from aocr_core import __version__
from aocr_core.errors import AocrError

# Short help stands here so that `aocr --help` imports no sub-command (and with it no TensorFlow).
COMMANDS = {
    "dataset": "Build TFRecords from an annotation file, checking every row.",
    "train": "Train a recogniser on TFRecords.",
    "test": "Measure a trained model on TFRecords; --visualize draws the attention.",
    "predict": "Read images with a trained model or an export.",
    "export": "Write a SavedModel, frozen graph, LiteRT or ONNX model, verified against the checkpoint.",
    "serve": "Serve exported models over HTTP (TF Serving's REST API, KServe V2, Vertex AI), with a page to try them.",
    "synth": "Render labelled word images to train or test on.",
    "stats": "Describe a data set: sizes, lengths, characters, what to watch for.",
}


class LazyGroup(click.Group):
    """A group whose sub-commands live in modules of their own and are imported when they are called."""

    def __init__(
        self, *args: Any, modules: dict[str, str], package: str, files: dict[str, str] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.modules = modules
        self.package = package
        self.files = files or {}
        """Names of modules that are not called as their command."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.modules:
            return None
        return importlib.import_module(f"{self.package}.{self.files.get(cmd_name, cmd_name.replace('-', '_'))}").command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(self.modules.items()))


@click.group(
    cls=LazyGroup,
    modules=COMMANDS,
    package="aocr_core.cli",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Start with: aocr synth words/ && aocr dataset words/training.txt data/ && aocr train data/",
)
@click.version_option(__version__, prog_name="aocr")
@click.option("--log-path", type=click.Path(dir_okay=False), help="Also write the log lines to this file.")
def command(log_path: str | None) -> None:
    """Attention OCR: train, test, export and serve a model that reads text in images."""
    from aocr_core import logs

    logs.configure(log_path)


def run(group: click.Command, prog_name: str) -> None:
    """Run a command group; mistakes of the user end in one line on stderr and exit code 1 or 2."""
    try:
        group.main(prog_name=prog_name, standalone_mode=False)
    except AocrError as error:
        click.echo(f"{prog_name}: {error}", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo(f"{prog_name}: interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # `aocr predict … | head`: the reader has gone, which is not a failure of ours.
        sys.stderr.close()
        sys.exit(0)


def main() -> None:
    """The `aocr` console script."""
    run(command, "aocr")
