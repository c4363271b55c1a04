"""`python -m aocr_core …` is `aocr …`."""

from aocr_core.cli.main import main

main()
