"""The `aocr` command: one module per sub-command, options generated from `aocr_core.config`."""
