"""Labels of Google Cloud: `team=ocr`."""

import re
from collections.abc import Iterable

from aocr_core.errors import UsageError

KEY = re.compile(r"[^\W\d_A-Z][\w-]{0,62}")
VALUE = re.compile(r"[\w-]{0,63}")
MOST = 64


def parse(pairs: Iterable[str]) -> dict[str, str]:
    """Labels from `KEY=VALUE` texts.

    The rules are Google Cloud's (https://cloud.google.com/resource-manager/docs/labels-overview#requirements): lower
    case letters of any script, digits, `_` and `-`; a key begins with a letter; 63 characters each; 64 labels.

    Raises:
        UsageError: a label breaks a rule, or is given twice with different values.
    """
    labels: dict[str, str] = {}
    for pair in pairs:
        key, found, value = pair.partition("=")
        if not found:
            raise UsageError(f"--label {pair}: write KEY=VALUE")
        if not (KEY.fullmatch(key) and VALUE.fullmatch(value) and pair == pair.lower()):
            raise UsageError(
                f"--label {pair}: only lower-case letters, digits, _ and -, at most 63 of them, the key beginning "
                "with a letter"
            )
        if labels.setdefault(key, value) != value:
            raise UsageError(f"--label {key} is given twice: {labels[key]} and {value}")
    if len(labels) > MOST:
        raise UsageError(f"{len(labels)} labels are too many: {MOST} at most")
    return labels
