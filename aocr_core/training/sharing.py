"""How a batch is shared by devices that train together. Needs no TensorFlow, so that mistakes are told at once."""

from aocr_core.errors import UsageError


def share_of_batch(batch_size: int, devices: int) -> int:
    """Images of a batch that each device gets.

    Raises:
        UsageError: the batch cannot be divided evenly.
    """
    if batch_size % devices:
        better = -(-batch_size // devices) * devices
        raise UsageError(
            f"--batch-size {batch_size} cannot be shared evenly by {devices} devices: say --batch-size {better}"
        )
    return batch_size // devices
