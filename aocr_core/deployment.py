"""Puts an export where a server looks: a TF Serving base path `SERVING/NAME/<version>/`, local or in a bucket."""

import hashlib
import logging
import shutil
from pathlib import Path

from aocr_core import exports, storage
from aocr_core.errors import AocrError

logger = logging.getLogger(__name__)


def deploy(export_dir: str, serving_dir: str, model_name: str) -> str:
    """Publish the newest version in `export_dir` as the next version of a served model.

    The version appears whole or not at all, so a server that watches the folder never loads half a model; of two that
    deploy at once, one fails. Deploying what serves already changes nothing.

    Args:
        export_dir: what `export` wrote: `EXPORT/<version>/`.
        serving_dir: folder of all served models, local or `gs://…`.
        model_name: the model's name in the server's URL.

    Returns:
        The folder of the version that serves the export.

    Raises:
        AocrError: there is no export, or the target cannot be written.
    """
    exported = exports.newest(export_dir)
    if exported is None:
        raise AocrError(f"{export_dir} holds no exported model (<version>/{exports.GRAPH_FILE})")
    base = storage.join(serving_dir, model_name)
    served = exports.newest(base)
    with storage.local_copy(exported[1]) as source:
        if served and _same(source, served[1]):
            logger.info("version %d serves this model already: %s", *served)
            return served[1]
        target = storage.join(base, str(exports.next_number(base)))
        with storage.output_dir(target, new=True) as folder:
            shutil.copytree(source, folder, dirs_exist_ok=True)
    logger.info("deployed %s", target)
    return target


def _same(source: Path, served: str) -> bool:
    with storage.local_copy(served) as folder:
        return _fingerprint(source) == _fingerprint(folder)


def _fingerprint(folder: Path) -> str:
    """A hash of names and contents of all files."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        data = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()
