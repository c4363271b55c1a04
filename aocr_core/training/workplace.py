"""Where a training writes: checkpoints and event files need a local file system, so a bucket gets copies of them."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aocr_core import model_dir, storage
from aocr_core.errors import AocrError, UsageError
from aocr_core.folders import ANNOUNCERS


@dataclass(frozen=True)
class Places:
    """Directories of one training, each local or in a bucket."""

    model: str
    """The model directory."""
    checkpoints: str | None = None
    """What the training goes on from after an interruption, a model directory as well; None: `model` itself. With it
    `model` gets the finished model, and nothing before."""
    logs: str | None = None
    """Gets TensorBoard's event files as well."""

    @property
    def home(self) -> str:
        """The directory that is trained in."""
        return self.checkpoints or self.model


@contextmanager
def workplace(places: Places) -> Iterator[tuple[Path, Callable[[], None]]]:
    """A local folder to train in, and what brings it to where it belongs.

    Args:
        places: What lies there is fetched first, so that the training goes on with it.

    Yields:
        The folder, and a function to call whenever what lies in it is complete.

    Raises:
        UsageError: something that is no model lies where the finished model belongs.
    """
    there = {name.rstrip("/") for name in storage.entries(places.model)} if places.checkpoints else set()
    if there and there.isdisjoint(model_dir.NAMES):
        raise UsageError(f"{places.model} holds other things than a model: name another --model-dir")
    with tempfile.TemporaryDirectory(prefix="aocr-train-") as scratch:
        remote = storage.in_bucket(places.home)
        local = Path(scratch) / "model" if remote else Path(places.home)
        found = next((place for place in (places.home, places.model) if _is_model(place)), None)
        if found and (remote or found != places.home):
            _fetch(found, local)
        mirror = Mirror(local, places.home, fetched=found == places.home)

        def publish() -> None:
            if remote:
                mirror.update()
            if places.logs:
                _bring_logs(local / model_dir.LOGS, places.logs)

        yield local, publish
        if places.checkpoints:
            _replace(places.model, local)


@contextmanager
def no_place() -> Iterator[tuple[Path, Callable[[], None]]]:
    """The same for a worker that keeps nothing."""
    with tempfile.TemporaryDirectory(prefix="aocr-train-") as scratch:
        yield Path(scratch), lambda: None


class Mirror:
    """Brings what has changed in a local model directory to one in a bucket; what else lies there stays.

    Cut short at any moment, even by the loss of the machine, it leaves a directory that the training goes on from: a
    checkpoint's files come before the file that names it as the latest, and go after the next one's have come.

    Args:
        local: the directory.
        place: where it is brought to.
        fetched: whether it has come from there, and nothing has changed since.
    """

    def __init__(self, local: Path, place: str, fetched: bool) -> None:
        self._local, self._place = local, place
        self._brought = self._stamps() if fetched else {}

    def update(self) -> None:
        """Make the model at the place like that in the directory."""
        there, stamps = _files(self._place), self._stamps()
        changed = {name for name, stamp in stamps.items() if self._brought.get(name) != stamp or name not in there}
        for name in sorted(changed, key=_turn):
            with storage.output_file(storage.join(self._place, *name.split("/"))) as copy:
                shutil.copyfile(self._local / name, copy)
        for name in there:
            if name not in stamps:
                storage.remove(storage.join(self._place, *name.split("/")))
        self._brought = stamps

    def _stamps(self) -> dict[str, tuple[int, int]]:
        """Of each file, what differs when its content does."""
        found = {name: (self._local / name).stat() for name in _files(str(self._local))}
        return {name: (stat.st_mtime_ns, stat.st_size) for name, stat in found.items()}


def _turn(name: str) -> tuple[bool, bool, str]:
    """When a file is brought: those that others speak of first."""
    return Path(name).suffix in ANNOUNCERS, Path(name).name == "checkpoint", name


def _is_model(place: str) -> bool:
    return storage.exists(storage.join(place, model_dir.CONFIG))


def _files(place: str) -> list[str]:
    """All files of the model in a directory, without what others have put beside it."""
    return [name for name in storage.files_below(place) if name.partition("/")[0] in model_dir.NAMES]


def _fetch(place: str, local: Path) -> None:
    """Copy a model to a local directory."""
    names = _files(place)
    with storage.local_copies([storage.join(place, *name.split("/")) for name in names]) as copies:
        for name, copy in zip(names, copies, strict=True):
            (local / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(copy, local / name)


def _replace(place: str, local: Path) -> None:
    """Put a finished model in the place of another; what others have put beside it, exports for instance, stays."""
    if storage.in_bucket(place):
        storage.remove(storage.join(place, model_dir.CONFIG))  # nobody is to meet half of each
        Mirror(local, place, fetched=False).update()
        return
    with storage.output_dir(place) as folder:
        _copy_top(local, folder, lambda name: name in model_dir.NAMES)
        if Path(place).is_dir():
            _copy_top(Path(place), folder, lambda name: name not in model_dir.NAMES)


def _copy_top(source: Path, target: Path, wanted: Callable[[str], bool]) -> None:
    """Copy what is wanted of that which lies directly in a folder; links stay links."""

    def unwanted(at: str, names: list[str]) -> list[str]:
        return [name for name in names if Path(at) == source and not wanted(name)]

    try:
        shutil.copytree(source, target, symlinks=True, ignore=unwanted, dirs_exist_ok=True)
    except (OSError, shutil.Error) as error:
        raise AocrError(f"cannot copy {source}: {error}") from error


def _bring_logs(logs: Path, place: str) -> None:
    """Those files that have grown; TensorBoard may be reading the others, and other trainings' may lie beside them."""
    for name in storage.files_below(logs):
        target = storage.join(place, *name.split("/"))
        there = storage.stat(target)
        if there is None or there.size != (logs / name).stat().st_size:
            with storage.output_file(target) as copy:
                shutil.copyfile(logs / name, copy)
