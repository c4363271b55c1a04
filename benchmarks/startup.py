"""How long the commands take to say what they can do.

    python -m benchmarks.startup [--runs 15]

Runs the installed commands with `--help`, in turn, each in a fresh process, and prints the median of the seconds. The
first round fills the file cache and does not count.
"""

import argparse
import statistics

from benchmarks.beside import seconds

COMMANDS = ("aocr --help", "aocr train --help", "aocr serve --help", "aocr-pipeline --help", "aocr-pipeline run --help")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=15, help="processes a command")
    runs = parser.parse_args().runs
    rounds = [{command: seconds(*command.split()) for command in COMMANDS} for _ in range(runs + 1)][1:]
    print("| command | median, s | slowest, s |\n|---|---|---|")
    for command in COMMANDS:
        times = [round_[command] for round_ in rounds]
        print(f"| `{command}` | {statistics.median(times):.2f} | {max(times):.2f} |")


if __name__ == "__main__":
    main()
