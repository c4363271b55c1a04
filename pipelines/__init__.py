"""The pipeline, its compiled form, and the `aocr-pipeline` command."""
