"""Cron expressions as Vertex AI takes them: five fields, and in front of them, if wanted, a time zone."""

import re
from zoneinfo import available_timezones

from aocr_core.errors import UsageError

FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("day of the week", 0, 7))
NAMES = {
    "month": ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    "day of the week": ("sun", "mon", "tue", "wed", "thu", "fri", "sat"),
}
ZONE = re.compile(r"(?:CRON_)?TZ=(\S+)\s+")


def checked(text: str) -> str:
    """The expression as it is sent: single blanks, the zone as `TZ=`.

    Raises:
        UsageError: it is none; the message says which field is wrong.
    """
    zone, rest = "", text.strip()
    if match := ZONE.match(rest):
        zone, rest = match[1], rest[match.end() :]
        known = available_timezones()  # none where the system has no table of them
        if known and zone not in known:
            raise UsageError(f"--cron {text!r}: there is no time zone {zone} (write Europe/Berlin)")
    fields = rest.split()
    if len(fields) != len(FIELDS):
        raise UsageError(f"--cron {text!r}: five fields are needed, as in '0 3 * * 1' (Mondays at 3:00)")
    for field, (name, low, high) in zip(fields, FIELDS, strict=True):
        if not all(_is_part(part, name, low, high) for part in field.split(",")):
            raise UsageError(f"--cron {text!r}: {field} is no {name} ({low}-{high}, *, lists, ranges and /steps)")
    return " ".join(([f"TZ={zone}"] if zone else []) + fields)


def _is_part(part: str, name: str, low: int, high: int) -> bool:
    """`*`, `5`, `1-5`, `mon-fri`, each with `/2` if wanted."""
    span, slash, step = part.partition("/")
    if slash and not (step.isascii() and step.isdigit() and int(step) > 0):
        return False
    if span == "*":
        return True
    ends = [_number(end, name) for end in span.split("-")]
    return len(ends) <= 2 and low <= ends[0] <= ends[-1] <= high


def _number(text: str, name: str) -> int:
    """`5`, or `fri`; -1 if it is neither."""
    names = NAMES.get(name, ())
    if text.lower() in names:
        return names.index(text.lower()) + (name == "month")
    return int(text) if text.isascii() and text.isdigit() else -1
