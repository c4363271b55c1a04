"""How sure each head may be of what it reads."""

from typing import Annotated

from pydantic import Field

from aocr_core.config import Options

Temperature = Annotated[float, Field(gt=0)]


class Temperatures(Options):
    """What the logits of each head are divided by when it reads: above 1 it becomes less sure, below 1 surer.

    After Guo et al., "On Calibration of Modern Neural Networks", https://arxiv.org/abs/1706.04599, section 4.2.
    """

    attention: Temperature = 1.0
    ctc: Temperature = 1.0
