"""Draws the compiled pipeline as SVG: its steps from top to bottom, the artifacts between them, the gate.

Everything comes out of the YAML: names, texts, types, edges, the condition. What the next step takes stands between
the two; what a later step takes goes down at the left; what no step takes stands at the right. The colours are their
own background, so the picture reads on light and on dark pages.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import wrap
from xml.sax.saxutils import escape

from pipelines.spec import Spec, groups, steps

BOX, HEIGHT, GAP, GATE_GAP = 352, 78, 56, 118
LANE, SIDE, EDGE = 104, 132, 10
STEM = 24
"""Length of the line to an artifact that no step reads."""
PILL_HEIGHT, PILL_CHARACTER, PILL_ENDS = 24, 6.6, 20
CAPTION_CHARACTERS = 50
ARRIVAL, DEPARTURE = -12, 12
"""Where lines meet the left side of a box, from its middle."""
CORNER = 8

LINE, STEP, CAPTION, GATE, FRAME = "#8b949e", "#2c5f8f", "#dce8f4", "#b3541e", "#d1703c"
COLOURS = {"Dataset": "#e9b44c", "Model": "#74c495", "Metrics": "#bda7e6"}
OTHER = "#c5ccd4"


@dataclass(frozen=True)
class Artifact:
    """What a step writes: the step's name, the artifact's name and type, and the steps that read it."""

    producer: str
    name: str
    kind: str
    consumers: tuple[str, ...]


def artifacts(spec: Spec) -> list[Artifact]:
    """All artifacts of the pipeline in the order of the steps that write them."""
    tasks = dict(_tasks(spec, spec["root"]["dag"]["tasks"], {}))
    readers: dict[tuple[str, str], list[str]] = {}
    for name, (_, sources) in tasks.items():
        for source in sources:
            readers.setdefault(source, []).append(name)
    order = [step.name for step in steps(spec)]
    found = []
    for name in order:
        outputs = spec["components"][tasks[name][0]].get("outputDefinitions", {}).get("artifacts", {})
        for key, output in outputs.items():
            kind = output["artifactType"]["schemaTitle"].removeprefix("system.")
            consumers = tuple(sorted(readers.get((name, key), ()), key=order.index))
            found.append(Artifact(name, key, kind, consumers))
    return found


Source = tuple[str, str]


def _tasks(spec: Spec, tasks: Spec, passed_in: dict[str, Source]) -> Iterator[tuple[str, tuple[str, list[Source]]]]:
    """Each step's name, its component and the artifacts it reads; `passed_in` are those of the enclosing group."""
    for name, task in tasks.items():
        sources = {}
        for key, given in task.get("inputs", {}).get("artifacts", {}).items():
            made = given.get("taskOutputArtifact")
            outer = given.get("componentInputArtifact", "")
            sources[key] = (made["producerTask"], made["outputArtifactKey"]) if made else passed_in[outer]
        component = task["componentRef"]["name"]
        inner = spec["components"][component].get("dag")
        if inner:
            yield from _tasks(spec, inner["tasks"], sources)
        else:
            yield name, (component, list(sources.values()))


def _pill_text(artifact: Artifact) -> str:
    same = artifact.name == artifact.kind.lower()
    return artifact.name if same else f"{artifact.name}: {artifact.kind}"


def _pill_width(artifact: Artifact) -> float:
    return len(_pill_text(artifact)) * PILL_CHARACTER + PILL_ENDS


class Drawing:
    """The pipeline on paper; `svg()` gives it as text."""

    def __init__(self, spec: Spec) -> None:
        self._steps = steps(spec)
        self._row = {step.name: row for row, step in enumerate(self._steps)}
        self._gates = {name: task["taskInfo"]["name"] for name, task in groups(spec).items()}
        lines = spec["pipelineInfo"].get("description", "").splitlines()
        self._captions = dict(line.split(". ", 1) for line in lines if line[:1].isdigit())
        found = artifacts(spec)
        self._skipping = [(artifact, self._later(artifact)) for artifact in found if self._later(artifact)]
        self._unread = [artifact for artifact in found if not artifact.consumers]
        self._direct = [
            artifact
            for artifact in found
            if any(self._row[c] == self._row[artifact.producer] + 1 for c in artifact.consumers)
        ]
        self._left = EDGE + LANE * len(self._skipping) + 14
        self._middle = self._left + BOX / 2
        self._tops = self._place()
        self._parts: list[str] = []

    def _later(self, artifact: Artifact) -> list[int]:
        """Rows of the steps that read the artifact, the next step excepted."""
        rows = [self._row[consumer] for consumer in artifact.consumers]
        return [row for row in rows if row > self._row[artifact.producer] + 1]

    def _opens_gate(self, row: int) -> str | None:
        """Name of the condition that begins with this row."""
        condition = self._steps[row].condition
        opens = condition and (row == 0 or self._steps[row - 1].condition != condition)
        return self._gates[condition] if condition and opens else None

    def _place(self) -> list[float]:
        tops, top = [], float(EDGE)
        for row in range(len(self._steps)):
            if row:
                top += HEIGHT + (GATE_GAP if self._opens_gate(row) else GAP)
            tops.append(top)
        return tops

    def svg(self) -> str:
        """The picture."""
        for row in range(len(self._steps)):
            self._gate(row)
        for lane, (artifact, rows) in enumerate(reversed(self._skipping)):
            self._lane(EDGE + LANE * lane + LANE / 2, artifact, rows)
        for row in range(len(self._steps)):
            self._step(row)
            self._beside(row)
        width, height = self._left + BOX + STEM + SIDE + EDGE, self._tops[-1] + HEIGHT + 2 * EDGE
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
            f'viewBox="0 0 {width:g} {height:g}" font-family="Helvetica, Arial, DejaVu Sans, sans-serif">'
        )
        marker = (
            '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
            f'orient="auto"><path d="M0 0 10 5 0 10z" fill="{LINE}"/></marker></defs>'
        )
        return "\n".join([head, marker, *self._parts, "</svg>", ""])

    def _gate(self, row: int) -> None:
        """The line from the row above, and the frame around conditional steps where they begin."""
        if row == 0:
            return
        above, top = self._tops[row - 1] + HEIGHT, self._tops[row]
        name = self._opens_gate(row)
        if name is None:
            direct = [artifact for artifact in self._direct if self._row[artifact.producer] == row - 1]
            if direct:
                self._path(f"M{self._middle:g} {above:g}V{top:g}", arrow=True)
            for place, artifact in enumerate(direct):
                self._pill(self._middle + (place - (len(direct) - 1) / 2) * SIDE, (above + top) / 2 - 3, artifact)
            return
        last = max(r for r, step in enumerate(self._steps) if step.condition == self._steps[row].condition)
        frame = top - 18, self._tops[last] + HEIGHT + EDGE
        self._parts.append(
            f'<rect x="{self._left - 14:g}" y="{frame[0]:g}" width="{BOX + 28}" height="{frame[1] - frame[0]:g}" '
            f'rx="12" fill="none" stroke="{FRAME}" stroke-width="1.5" stroke-dasharray="6 5"/>'
        )
        self._path(f"M{self._middle:g} {above:g}V{top:g}", arrow=True)
        x, y, half_width, half_height = self._middle, above + 45, 74, 30
        self._parts.append(
            f'<path d="M{x:g} {y - half_height:g}L{x + half_width:g} {y:g} {x:g} {y + half_height:g} '
            f'{x - half_width:g} {y:g}z" fill="{GATE}"/>'
        )
        self._text(x, y + 5, f"{name}?", "#fff", 14, "middle", bold=True)
        self._text(x + half_width + 8, y + 5, "no: nothing below runs", LINE, 12)
        self._text(x + 10, y + half_height + 10, "yes", LINE, 12)

    def _lane(self, x: float, artifact: Artifact, rows: list[int]) -> None:
        """An artifact that a later step reads: out of its step to the left, down, and into each reader."""
        start = self._tops[self._row[artifact.producer]] + HEIGHT / 2 + DEPARTURE
        for row in rows:
            end = self._tops[row] + HEIGHT / 2 + ARRIVAL
            out = f"M{self._left:g} {start:g}H{x + CORNER:g}q{-CORNER} 0 {-CORNER} {CORNER}"
            self._path(f"{out}V{end - CORNER:g}q0 {CORNER} {CORNER} {CORNER}H{self._left:g}", arrow=True)
        self._pill(x, self._tops[self._row[artifact.producer]] + HEIGHT + GAP / 2 - 3, artifact)

    def _step(self, row: int) -> None:
        step, top = self._steps[row], self._tops[row]
        self._parts.append(
            f'<rect x="{self._left:g}" y="{top:g}" width="{BOX}" height="{HEIGHT}" rx="10" fill="{STEP}"/>'
        )
        self._text(self._left + 16, top + 25, step.title, "#fff", 16, bold=True)
        for line, text in enumerate(wrap(self._captions.get(step.title.split()[0], ""), CAPTION_CHARACTERS)[:2]):
            self._text(self._left + 16, top + 46 + 17 * line, text, CAPTION, 12)

    def _beside(self, row: int) -> None:
        """The artifacts that no step reads: they are for people."""
        unread = [artifact for artifact in self._unread if artifact.producer == self._steps[row].name]
        for place, artifact in enumerate(unread):
            y = self._tops[row] + HEIGHT / 2 + (place - (len(unread) - 1) / 2) * (PILL_HEIGHT + 8)
            self._path(f"M{self._left + BOX:g} {y:g}h{STEM}")
            self._pill(self._left + BOX + STEM + _pill_width(artifact) / 2, y, artifact)

    def _pill(self, x: float, y: float, artifact: Artifact) -> None:
        width = _pill_width(artifact)
        self._parts.append(
            f'<rect x="{x - width / 2:g}" y="{y - PILL_HEIGHT / 2:g}" width="{width:g}" height="{PILL_HEIGHT}" '
            f'rx="{PILL_HEIGHT // 2}" fill="{COLOURS.get(artifact.kind, OTHER)}"/>'
        )
        self._text(x, y + 4, _pill_text(artifact), "#1c1e22", 12, "middle")

    def _path(self, path: str, arrow: bool = False) -> None:
        tip = ' marker-end="url(#tip)"' if arrow else ""
        self._parts.append(f'<path d="{path}" fill="none" stroke="{LINE}" stroke-width="1.75"{tip}/>')

    def _text(
        self, x: float, y: float, text: str, colour: str, size: int, anchor: str = "start", bold: bool = False
    ) -> None:
        weight = ' font-weight="bold"' if bold else ""
        self._parts.append(
            f'<text x="{x:g}" y="{y:g}" fill="{colour}" font-size="{size}" text-anchor="{anchor}"{weight}>'
            f"{escape(text)}</text>"
        )
