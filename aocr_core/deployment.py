"""Puts an export where a server looks: a TF Serving base path `SERVING/NAME/<version>/`, local or in a bucket."""

import hashlib
import logging
from typing import NamedTuple

from aocr_core import exports, storage
from aocr_core.errors import AocrError
from aocr_core.storage import AnyPath

logger = logging.getLogger(__name__)


class Serving(NamedTuple):
    """What serves now."""

    name: str
    """In words."""
    export: str
    """Its folder, local or `gs://…`."""


def serving(serving_dir: str, model_name: str) -> Serving | None:
    """What a server of this folder serves, None if there is nothing yet."""
    newest = exports.newest(storage.join(serving_dir, model_name))
    return Serving(f"version {newest[0]}", newest[1]) if newest else None


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
    source = exported(export_dir)
    base = storage.join(serving_dir, model_name)
    served = exports.newest(base)
    if served and fingerprint(source) == fingerprint(served[1]):
        logger.info("version %d serves this model already: %s", *served)
        return served[1]
    return _publish(source, base)


def rollback(serving_dir: str, model_name: str) -> str:
    """Publish the model that served before the present one as the next version.

    Asked for again, it goes back further, never forth: versions that brought an older model back are passed over.

    Returns:
        The folder of the version that serves it now.

    Raises:
        AocrError: no other model served before.
    """
    base = storage.join(serving_dir, model_name)
    versions = exports.versions(base)
    if not versions:
        raise AocrError(f"{base} holds no exported model")
    contents = {number: fingerprint(folder) for number, folder in versions.items()}
    first = min(number for number in contents if contents[number] == contents[max(contents)])
    before = max((number for number in contents if number < first), default=None)
    if before is None:
        raise AocrError(f"{base}: no other model served before version {first}")
    return _publish(versions[before], base)


def exported(export_dir: str) -> str:
    """The folder of the newest version in `export_dir`.

    Raises:
        AocrError: there is no export.
    """
    newest = exports.newest(export_dir)
    if newest is None:
        raise AocrError(f"{export_dir} holds no exported model (<version>/{exports.GRAPH_FILE})")
    return newest[1]


def fingerprint(folder: AnyPath) -> str:
    """A hash of names and contents of all files in a folder, local or `gs://…`: 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with storage.local_copy(folder) as local:
        for path in sorted(path for path in local.rglob("*") if path.is_file()):
            data = path.read_bytes()
            digest.update(f"{path.relative_to(local).as_posix()}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()


def _publish(source: str, base: str) -> str:
    """Copy a version to the next one in a base path."""
    with storage.local_copy(source) as files:
        target = exports.publish(files, base)
    logger.info("deployed %s", target)
    return target
