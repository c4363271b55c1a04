"""`python -m aocr_core …` is `aocr …`."""

from aocr_core.cli.main import main

if __name__ == "__main__":
    main()
