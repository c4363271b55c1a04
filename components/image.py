"""The one container image that all steps run in."""

IMAGE = "us-docker.pkg.dev/PROJECT/aocr/aocr-python:1.0.0"
"""A placeholder: `aocr-pipeline compile --image …` puts the real one in.

`python` in the name is what tells KFP's local runner that the image holds a Python environment.
"""
