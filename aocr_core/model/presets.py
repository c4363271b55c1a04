"""Networks as data: what a preset's layers are, and what the model options change of them."""

from typing import Literal

from aocr_core.config import ModelOptions, Options


class Convolution(Options):
    """One step of the backbone: convolution, batch normalisation, ReLU, max pooling, then residual blocks."""

    channels: int
    kernel: tuple[int, int] = (3, 3)
    """[height, width]"""
    stride: tuple[int, int] = (1, 1)
    pool: tuple[int, int] = (1, 1)
    normalise: bool = True
    residual: int = 0
    """Residual blocks that follow, of two 3x3 convolutions each."""


class Network(Options):
    """All numbers that the layers need. Saved in `config.json`."""

    height: int
    """Height in pixels that every image is scaled to."""
    standardise: bool
    """Bring all images to the same brightness, contrast and polarity."""
    pool_first: bool
    """Pool before batch normalisation and ReLU, not after them."""
    convolutions: tuple[Convolution, ...]
    encoder_units: int
    """LSTM units in each direction."""
    encoder_layers: int
    encoder_norm: bool
    """Layer normalisation around the LSTMs."""
    encoder_skip: bool
    """Pass the backbone's features on beside the LSTMs', so that a symbol can be judged by its looks alone."""
    decoder_cell: Literal["lstm", "gru"]
    decoder_units: int
    decoder_layers: int
    decoder_input: int | None
    """Units of the linear layer in front of the decoder cell; None: the cell sees embedding and context themselves."""
    embedding_size: int
    attention_units: int
    value_units: int | None = None
    """Features of the memory that the decoder is given where it looks, from a linear layer; None: all that there are.
    """
    location_kernel: int | None
    """Width, in time steps, of the convolution over earlier attention; None: the attention does not see it."""
    dropout: float
    drop_whole: bool = False
    """Between backbone and decoder, drop a feature at all time steps of a line or at none."""
    joint_decoding: bool
    """Read with both heads, unless told otherwise: see `aocr_core.model.joint`."""

    @property
    def width_stride(self) -> int:
        """Pixels of width that one time step of the encoder stands for."""
        stride = 1
        for convolution in self.convolutions:
            stride *= convolution.stride[1] * convolution.pool[1]
        return stride


PRESETS = {
    # About 1.6 M parameters. Pooling first and few channels keep the costly layers of high resolution cheap; multiples
    # of 16 channels suit the processor's vectors. A larger network reads more after as many steps; this one takes more
    # of them in the same time (benchmarks/RESULTS.md).
    "fast": Network(
        height=32,
        standardise=True,
        pool_first=True,
        convolutions=(
            Convolution(channels=16, pool=(2, 2)),
            Convolution(channels=32),
            Convolution(channels=48, pool=(2, 2)),
            Convolution(channels=80),
            Convolution(channels=80, pool=(2, 1)),
            Convolution(channels=160, pool=(2, 1)),
            Convolution(channels=192),
        ),
        encoder_units=64,
        encoder_layers=1,
        encoder_norm=True,
        encoder_skip=True,
        decoder_cell="lstm",
        decoder_units=192,
        decoder_layers=1,
        decoder_input=None,
        embedding_size=64,
        attention_units=64,
        value_units=192,
        location_kernel=7,
        dropout=0.1,
        drop_whole=True,
        joint_decoding=True,
    ),
    # About 24 M parameters, for accelerators: higher images, a residual backbone (Shi et al., "ASTER",
    # https://doi.org/10.1109/TPAMI.2018.2848939, table 1, of which it has the widths), two layers of encoder.
    "large": Network(
        height=48,
        standardise=True,
        pool_first=True,
        convolutions=(
            Convolution(channels=32, pool=(2, 1)),
            Convolution(channels=64, pool=(2, 2), residual=2),
            Convolution(channels=128, pool=(2, 2), residual=3),
            Convolution(channels=256, pool=(2, 1), residual=3),
            Convolution(channels=512, pool=(3, 1), residual=2),
        ),
        encoder_units=256,
        encoder_layers=2,
        encoder_norm=True,
        encoder_skip=True,
        decoder_cell="lstm",
        decoder_units=512,
        decoder_layers=1,
        decoder_input=None,
        embedding_size=128,
        attention_units=256,
        value_units=512,
        location_kernel=7,
        dropout=0.1,
        drop_whole=True,
        joint_decoding=True,
    ),
    # The layers of aocr 0.7.6 (Deng et al., "Image-to-Markup Generation", 2016, and its Attention-OCR): a CRNN's VGG.
    "aocr": Network(
        height=32,
        standardise=False,
        pool_first=False,
        convolutions=(
            Convolution(channels=64, pool=(2, 2), normalise=False),
            Convolution(channels=128, pool=(2, 2), normalise=False),
            Convolution(channels=256),
            Convolution(channels=256, pool=(2, 1), normalise=False),
            Convolution(channels=512),
            Convolution(channels=512, pool=(2, 1), normalise=False),
            Convolution(channels=512, kernel=(2, 2), pool=(2, 1)),
        ),
        encoder_units=256,
        encoder_layers=1,
        encoder_norm=False,
        encoder_skip=False,
        decoder_cell="lstm",
        decoder_units=128,
        decoder_layers=2,
        decoder_input=128,
        embedding_size=10,
        attention_units=512,
        location_kernel=None,
        dropout=0.5,
        joint_decoding=False,
    ),
}


def network(options: ModelOptions, base: Network | None = None) -> Network:
    """A network, the preset's unless another is given, with the changes that the options ask for."""
    changes = {
        "height": options.input_height,
        "embedding_size": options.target_embedding_size,
        "decoder_units": options.attn_num_hidden,
        "decoder_layers": options.attn_num_layers,
        "decoder_cell": "gru" if options.use_gru else None,
    }
    base = base or PRESETS[options.preset]
    return base.model_copy(update={name: value for name, value in changes.items() if value})
