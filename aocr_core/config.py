"""Every option of the library, declared once: type, default, range and help.

The command line, the pipeline's parameters and `config.json` are all made from these classes. `None` means "from the
data" or "as the preset says"; `aocr_core.training.resolve` replaces it before anything is built.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from aocr_core.charset import Kind

DEFAULT_MODEL_DIR = "./checkpoints"
"""Where `train` writes and `test`, `predict` and `export` look, as in the original."""

MAX_PIXELS = 50_000_000
"""Largest image that is decoded unless told otherwise: three bytes a pixel make 150 MB."""

MAX_ASPECT = 100.0
"""Longest image, as a multiple of its shorter side, that is taken for a line of text."""

FEW_IMAGES = 5_000
"""A training on fewer begins with rendered words unless told otherwise."""

TOKEN_VARIABLE = "AOCR_TOKEN"
"""The environment variable of a server's token: a command line could be seen by everybody on the machine."""

LEAST_MINUTES = 5.0
"""A training with less time has none for rendered words unless told otherwise."""

PositiveInt = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(ge=0.0, lt=1.0)]
Precision = Literal["auto", "float32", "bfloat16"]


class Options(BaseModel):
    """Base of all option groups: immutable, and a misspelt name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelOptions(Options):
    """What the network looks like. Saved with the model; no later command needs them again."""

    preset: Literal["fast", "large", "aocr"] = Field(
        "fast",
        description="Network: `fast` is the recommended one, `large` a residual one for a GPU, `aocr` the original's "
        "layers.",
    )
    input_height: Annotated[int, Field(ge=16, le=256)] | None = Field(
        None,
        description="Height in pixels that every image is scaled to, its shape kept. [default: as the preset, 32 for "
        "`fast`; more, up to 64, where the symbols of long labels would be too narrow, but not for `aocr`]",
    )
    max_width: PositiveInt | None = Field(
        None,
        description="Width of the widest image to expect, in pixels at --max-height; wider images are squeezed to fit. "
        "[default: from the data]",
    )
    max_height: PositiveInt | None = Field(
        None, description="Image height that --max-width refers to. [default: that of --input-height]"
    )
    max_prediction: PositiveInt | None = Field(
        None, description="Longest text the model can write, in symbols. [default: from the data]"
    )
    color: bool = Field(False, description="Look at colours, not only at brightness.")
    target_embedding_size: PositiveInt | None = Field(
        None, description="Size of the symbol embedding that feeds the decoder. [default: as the preset]"
    )
    attn_num_hidden: PositiveInt | None = Field(
        None, description="Units of each decoder layer. [default: as the preset]"
    )
    attn_num_layers: Annotated[int, Field(ge=1, le=4)] | None = Field(
        None, description="Number of decoder layers. [default: as the preset]"
    )
    use_gru: bool = Field(False, description="GRU instead of LSTM cells in the decoder.")
    direction: Literal["left-to-right", "right-to-left"] | None = Field(
        None,
        description="`right-to-left`: the first symbol of a label stands at the right end of the image, as in Arabic "
        "and Hebrew. [default: as most letters and digits in the labels are written]",
    )


class DataOptions(Options):
    """How labels become symbols."""

    charset: str | None = Field(
        None,
        description="Symbols to learn: digits, alphanumeric, alphanumeric-upper, ascii, or a file (gs:// too) of one a "
        "line. [default: those in the training labels]",
    )
    label_kind: Kind = Field(
        "characters", description="`tokens`: a label is tokens separated by blanks (LaTeX), not characters."
    )
    force_uppercase: bool = Field(False, description="Fold labels to upper case (the original did by default).")


class TrainOptions(Options):
    """How the weights are found."""

    batch_size: PositiveInt = Field(32, description="Images in one training step.")
    num_epoch: PositiveInt | None = Field(
        None, description="Passes over the training data. [default: enough for the size of the data]"
    )
    max_minutes: Annotated[float, Field(gt=0)] | None = Field(
        None, description="Time budget; the learning rate is brought down in time. [default: none]"
    )
    initial_learning_rate: Annotated[float, Field(gt=0)] | None = Field(
        None, description="Highest learning rate, after the warm-up. [default: 0.005 for AdamW, 1.0 for Adadelta]"
    )
    optimizer: Literal["adamw", "adadelta"] | None = Field(
        None, description="[default: adamw; adadelta for the preset `aocr`]"
    )
    max_gradient_norm: Annotated[float, Field(gt=0)] = Field(
        5.0, description="Gradients are scaled down to this global norm."
    )
    gradient_clipping: bool = Field(True, description="Scale large gradients down.")
    ctc_weight: Share = Field(
        0.3,
        description="Share of the CTC loss on the encoder; 0 trains, and reads with, the attention decoder alone.",
    )
    label_smoothing: Share = Field(0.05, description="Probability spread over all symbols in the targets.")
    ema_decay: Share = Field(
        0.99, description="Decay of the averaged weights that are judged and saved; 0: no average."
    )
    augment: bool = Field(
        True, description="Distort the training images at random, the more the more often each is shown."
    )
    validation_share: Share | None = Field(
        None,
        description="Share of the training images held out for validation when no validation data is given. "
        "[default: 0.1, but not more than about 500 images]",
    )
    precision: Precision = Field(
        "auto",
        description="What training computes in; weights are float32 in any case. `auto`: bfloat16 where the processor "
        "or the GPU has instructions for it.",
    )
    patience: Annotated[int, Field(ge=0)] = Field(
        12, description="Stop after so many validations without improvement; 0: never."
    )
    steps_per_checkpoint: PositiveInt | None = Field(
        None,
        description="Training steps between checkpoints (and validations). [default: an epoch or a "
        "twentieth of the training, whichever is longer, but 50 to 500 steps]",
    )
    init_from: str | None = Field(
        None,
        description="Model directory whose weights and network the training begins with. The symbols are those of the "
        "data (or --charset); of those that both know the weights are taken over too.",
    )
    pretrain: Literal["auto", "always", "never"] = Field(
        "auto",
        description="Learn rendered words of the same characters first? `auto`: with fewer than "
        f"{FEW_IMAGES:,} images, if an installed font has most of the characters, and neither the number of epochs, "
        f"nor a model to begin with, nor the preset `aocr`, nor less than {LEAST_MINUTES:g} minutes are asked for.",
    )
    resume: bool = Field(
        True,
        description="Go on from the last checkpoint in the model directory; on other data than before, its weights "
        "are the start of a training of full length.",
    )
    seed: Annotated[int, Field(ge=0)] = Field(1, description="Seed of every random choice.")
    gpu_id: int | None = Field(None, description="Use only this GPU; below 0: only the CPU. [default: all GPUs]")


class ReadOptions(Options):
    """How a trained model reads."""

    decoder: Literal["joint", "attention", "ctc"] | None = Field(
        None,
        description="Who reads: `ctc`, each place of the image by itself, which is fast; `attention`, symbol by symbol "
        "with an eye on the text so far; `joint`, CTC first, and where that is not sure both: of their readings the "
        "one that they together find likelier. [default: joint; attention for the preset `aocr` and a model trained "
        "with --ctc-weight 0]",
    )
    beam_width: Annotated[int, Field(ge=1, le=100)] = Field(
        1,
        description="Texts that the attention decoder follows at a time, where it is asked: more take longer and may "
        "find a likelier one. Not for the decoder `ctc`.",
    )

    @field_validator("beam_width")
    @classmethod
    def _beams_are_the_attention_decoders(cls, width: int, others: ValidationInfo) -> int:
        if width > 1 and others.data.get("decoder") == "ctc":
            raise PydanticCustomError("no_beams", "the decoder ctc follows no beams: leave it out")
        return width


class SynthOptions(Options):
    """Rendered words."""

    count: PositiveInt = Field(24_000, description="Training images to render.")
    test_count: Annotated[int, Field(ge=0)] = Field(
        500, description="Test images, with words that training never shows."
    )
    min_length: PositiveInt = Field(3, description="Fewest characters in a made-up word (or line).")
    max_length: PositiveInt = Field(10, description="Most characters in a made-up word (or line).")
    lines: bool = Field(False, description="Render lines of several words with blanks between them.")
    charset: str | None = Field(
        None,
        description="Characters to use: a preset or a file with one symbol a line. "
        "[default: alphanumeric; with --words, all of the words']",
    )
    words: str | None = Field(
        None, description="Render the words (or lines) of this text file, one a line, instead of made-up ones."
    )
    fonts: str | None = Field(
        None, description="Folder of .ttf and .otf fonts to use instead of those of the installed packages."
    )
    height: Annotated[int, Field(ge=24, le=256)] = Field(40, description="Typical height of an image in pixels.")
    seed: Annotated[int, Field(ge=0)] = Field(1, description="The same seed renders the same images.")
    workers: Annotated[int, Field(ge=0)] = Field(0, description="Processes that render. [0: one a core]")


class PrepareOptions(Options):
    """How a data set is built."""

    shards: PositiveInt | None = Field(
        None, description="Number of files in a folder. [default: a new one every 128 MB]"
    )
    workers: PositiveInt | None = Field(
        None, description="Threads that read and check images. [default: one a core; 16 for gs://]"
    )
    log_step: PositiveInt | None = Field(
        None, description="Log a line every so many rows. [default: only the progress bar]"
    )
    strict: bool = Field(False, description="Any rejected row is an error, and nothing is written.")
    save_filename: bool = Field(False, description="Keep the path of each image in the record.")
    max_pixels: Annotated[int, Field(gt=0, le=89_000_000)] = Field(
        MAX_PIXELS, description="Reject images that declare more pixels than this, before decoding them."
    )
    max_label: PositiveInt = Field(500, description="Reject labels with more symbols than this.")
    max_aspect: Annotated[float, Field(gt=1)] = Field(
        MAX_ASPECT, description="Reject images that are more than so many times wider than tall (or taller than wide)."
    )


class ServeOptions(Options):
    """The HTTP server."""

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 for all interfaces.")
    rest_api_port: Annotated[int, Field(ge=0, le=65535)] = Field(
        9001, description="Port of the REST API; 0: a free one."
    )
    model_name: str = Field(
        "aocr",
        description="Name of the model in the URL. Where DIR holds several models, each has its folder's name, and "
        "this one answers Vertex AI.",
    )
    stop_after_idle: Annotated[float, Field(ge=0)] = Field(
        0.0, description="Stop after so many seconds without a request; 0: never."
    )
    max_batch: Annotated[int, Field(ge=1, le=1024)] = Field(
        32, description="Images, also of different requests, that the model reads together; 1: each by itself."
    )
    max_wait_ms: Annotated[float, Field(ge=0, le=10_000)] = Field(
        5.0,
        description="Milliseconds that a free model waits at most for images that are being decoded, to read them "
        "together with those it has. Where there are none it does not wait.",
    )
    max_queue: PositiveInt = Field(
        256,
        description="Images that may be decoded or wait for the model; more are refused at once with status 503, as "
        "are those that the model, at its pace, would not come to within the request timeout.",
    )
    model_threads: Annotated[int, Field(ge=1, le=64)] = Field(
        1, description="Batches that the model reads at the same time; they share the cores."
    )
    decode_threads: Annotated[int, Field(ge=1, le=64)] = Field(2, description="Threads that decode and check images.")
    precision: Precision = Field(
        "float32",
        description="What the model computes in on a processor. `auto`: bfloat16 where there are instructions for it, "
        "which reads batches faster; probabilities may differ in the third place and so, very seldom, a text.",
    )
    max_body_mb: PositiveInt = Field(16, description="Largest body of a request, in MiB.")
    max_buffered_mb: PositiveInt = Field(
        256, description="All bodies that are held in memory at a time, in MiB; more are refused with status 503."
    )
    max_instances: PositiveInt = Field(256, description="Most images in one request.")
    max_pixels: Annotated[int, Field(gt=0, le=89_000_000)] = Field(
        10_000_000,
        description="Refuse images that declare more pixels than this, and requests that declare four times as many, "
        "before decoding them.",
    )
    max_connections: PositiveInt = Field(
        512,
        description="Connections at a time. For one more the longest idle one is closed; if none is idle, it is "
        "refused.",
    )
    client_timeout: Annotated[float, Field(gt=0)] = Field(
        30.0,
        description="Seconds that a client may take to send a request's head, and again its body, and to read the "
        "answer.",
    )
    keep_alive: Annotated[float, Field(gt=0)] = Field(
        620.0,
        description="Seconds that a connection may be idle between two requests: longer than a proxy keeps it (nginx "
        "60, Google's load balancers 600), or requests are lost that it sends just as the server closes.",
    )
    request_timeout: Annotated[float, Field(gt=0)] = Field(
        30.0, description="Seconds until a request is answered, or given up with status 503."
    )
    shutdown_delay: Annotated[float, Field(ge=0)] = Field(
        0.0,
        description="Seconds from SIGTERM until the port is closed. Requests are served meanwhile, but health checks "
        "of readiness get status 503, so that no more are sent here. Whoever stops the server must wait for this time "
        "and 30 seconds more.",
    )
    token_file: str | None = Field(
        None,
        description="File with a token that every request must bring (Authorization: Bearer TOKEN), health checks "
        f"excepted. [default: the environment variable {TOKEN_VARIABLE}; without either, no token]",
    )


class ApproveOptions(Options):
    """When a new model may replace the one that serves."""

    min_accuracy: Annotated[float, Field(ge=0, le=1)] = Field(
        0.5, description="Least exact accuracy on the test set that a model needs to be deployed."
    )
    min_gain: Annotated[float, Field(gt=-1, lt=1)] = Field(
        0.0,
        description="By how much more of the test images a model must read right than the one that serves, with 95 % "
        "confidence. 0: certain to be better, so that chance promotes nothing; -0.01: at most one point worse.",
    )
    serving_export: str | None = Field(
        None,
        description="Export that serves now, to be compared with, local or gs://. [default: what the endpoint serves; "
        "without one, the newest version of the model in the serving folder]",
    )
