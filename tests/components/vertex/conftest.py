from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from components.vertex import changes
from tests.components.vertex import toys


@pytest.fixture
def words(vertex, bucket: str, tmp_path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """An endpoint-to-be on the stand-in, with toys for containers: `words.export("a")` is one that reads `a`."""
    monkeypatch.setenv("AOCR_VERTEX_ENDPOINT", vertex.url)
    monkeypatch.setattr(changes, "FIRST_WAIT", 0.01)
    started = toys.Toys()
    started.texts = {f"{toys.SERVING}/aocr/{number}": text for number, text in enumerate("abcdef", start=1)}
    vertex.endpoints.start = started
    trouble: list[str] = []

    def look(rpc: str) -> None:
        if found := vertex.endpoints.trouble():
            trouble.append(f"after {rpc}: {found}")

    vertex.after = look
    yield SimpleNamespace(
        vertex=vertex,
        toys=started,
        export=lambda text: toys.export(tmp_path / "exports", text),
        export_dir=lambda text: str(tmp_path / "exports" / text),
        split=lambda: vertex.endpoints.split(toys.NAME),
        deployed=lambda: vertex.endpoints.deployed(toys.NAME),
    )
    assert trouble == []
