"""How fast a data set is built, and in how much memory, with every image decoded.

    python -m benchmarks.dataset_build

Draws 15,000 images of its own (half PNG, half JPEG) into a temporary folder, then runs `aocr dataset` on the first
5,000 and on all of them, each in a fresh process. Time is that of the whole command, start of Python included; memory
is the peak resident set of the command and of its children.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COUNTS = (5_000, 15_000)
ROOT = Path(__file__).parents[1]


def draw(folder: Path, count: int) -> None:
    """Write `count` images of words on noisy paper, 60 to 360 pixels wide, and `rows.txt`."""
    import numpy as np
    from PIL import Image, ImageDraw

    chance = np.random.default_rng(1)
    rows = []
    for number in range(count):
        image = Image.fromarray(chance.integers(200, 255, (40, 60 + number % 300), dtype=np.uint8))
        ImageDraw.Draw(image).text((6, 12), f"word {number}", fill=0)
        name = f"{number:06d}.{'png' if number % 2 else 'jpg'}"
        image.save(folder / name)
        rows.append(f"{name} word {number}\n")
    (folder / "rows.txt").write_text("".join(rows))


def measured(*command: str) -> tuple[float, float]:
    """Seconds and peak resident megabytes of a command."""
    start = time.perf_counter()
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    pid = os.posix_spawn(command[0], command, os.environ | {"PYTHONPATH": str(ROOT)}, file_actions=quiet)
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # In a process of its own: a child's peak is at least what its parent held when it was started.
        subprocess.run([sys.executable, __file__, "draw", name], check=True)
        rows = (folder / "rows.txt").read_text().splitlines(keepends=True)
        print("| images | seconds | images/s | peak RSS, MB |\n|---|---|---|---|")
        for count in COUNTS:
            (folder / "annotations.txt").write_text("".join(rows[:count]))
            program = "from aocr_core.cli.main import main; main()"
            output = str(folder / f"data-{count}")
            seconds, peak = measured(sys.executable, "-c", program, "dataset", str(folder / "annotations.txt"), output)
            print(f"| {count:,} | {seconds:.1f} | {count / seconds:,.0f} | {peak:.0f} |", flush=True)


if __name__ == "__main__":
    draw(Path(sys.argv[2]), max(COUNTS)) if sys.argv[1:2] == ["draw"] else main()
