"""HTML pages that need nothing else: no network, no script, no other file."""

import base64
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from aocr_core.display import percent, visible

TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, folder: Path = TEMPLATES, **values: Any) -> str:
    """Fill in a template of `folder`, which may include what all pages share (`style.css`, `texts.html`)."""
    environment = Environment(
        loader=FileSystemLoader([folder, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(percent=percent, visible=visible)
    return environment.get_template(template).render(values)


def inlined(png: bytes) -> str:
    """A picture as a link that holds it."""
    return "data:image/png;base64," + base64.b64encode(png).decode()
