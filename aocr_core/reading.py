"""What was read in an image. No TensorFlow here: `Recognizer` gives readings, and so does the client of a server."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Reading:
    """What was read in one image."""

    text: str
    probability: float
    """Of the whole text, its end included."""
    symbols: tuple[str, ...] = ()
    """The text as symbols (characters or tokens)."""
    symbol_probabilities: tuple[float, ...] = ()
    """One for each symbol and one for the end, which is missing when the text was cut at the greatest length."""
    attention: np.ndarray | None = None
    """`[symbols, time]`, rows sum to 1; column t looks at the share [t / time, (t + 1) / time] of the image's width."""

    @classmethod
    def from_details(
        cls,
        text: str,
        probability: float,
        symbols: Sequence[str],
        symbol_probabilities: Sequence[float],
        attention: np.ndarray,
        time_steps: int,
    ) -> "Reading":
        """What the signature `details` of an export says of one image, without what stands for nothing.

        Args:
            text: the output.
            probability: of the whole text.
            symbols: `[steps]`, "" from the end on.
            symbol_probabilities: `[steps]`, the end's included, 0 behind it.
            attention: `[steps, time]`.
            time_steps: how many of the time steps lie within the image.
        """
        count = next((index for index, symbol in enumerate(symbols) if not symbol), len(symbols))
        end = [share for share in symbol_probabilities[count : count + 1] if share > 0]
        return cls(
            text,
            float(probability),
            tuple(symbols[:count]),
            (*map(float, symbol_probabilities[:count]), *map(float, end)),
            attention[:count, :time_steps],
        )
