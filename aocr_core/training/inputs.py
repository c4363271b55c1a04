"""What a training reads, looked at before its first step: a mistake in it would show late, or never."""

import logging
from dataclasses import dataclass, field

from aocr_core.data import info, preprocess
from aocr_core.data.info import DatasetInfo
from aocr_core.data.records import Record
from aocr_core.errors import AocrError

logger = logging.getLogger(__name__)


@dataclass
class Undecodable:
    """The images that cannot be decoded, where so many channels are looked at."""

    channels: int
    count: int = 0
    first: str = ""
    """Where the first of them lies."""

    def add(self, record: Record, place: str) -> None:
        """Count the record if its image is one of them."""
        if not preprocess.decodes(record.image, self.channels):
            self.count += 1
            self.first = self.first or place + (f" ({record.comment})" if record.comment else "")


@dataclass(frozen=True)
class DataSet:
    """A data set that has been looked at."""

    place: str
    described: DatasetInfo
    undecodable: list[Undecodable] = field(default_factory=list)
    """For gray and for colour."""

    @classmethod
    def look(cls, place: str) -> "DataSet":
        """Describe a data set; that its images may be misread is logged. Those that were checked when it was built are
        not looked at once more.

        Raises:
            UsageError: there is no such data set.
            AocrError: it is damaged.
        """
        undecodable = [Undecodable(channels) for channels in (1, 3)]
        foreign = False

        def judge(record: Record, where: str) -> None:
            nonlocal foreign
            foreign = True
            for found in undecodable:
                found.add(record, where)

        described = info.load(place, judge)
        if foreign:
            for warning, count in described.warnings.items():
                logger.warning("%s: %dx %s", place, count, warning)
        return cls(place, described, undecodable)

    def require(self, channels: int) -> None:
        """Make sure that there are images, and that all of them can be decoded.

        Args:
            channels: of the network's input.

        Raises:
            AocrError: there are none, or one cannot; the message says what to do.
        """
        if not self.described.rows:
            raise AocrError(f"the data set {self.place} is empty")
        for found in self.undecodable:
            if found.channels == channels and found.count:
                raise AocrError(
                    f"{found.count} of {self.described.rows} images cannot be decoded, the first in {found.first}: "
                    "build the data set from the image files (`aocr dataset`), which converts what can be read and "
                    "leaves out the rest"
                )
