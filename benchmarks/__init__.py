"""What is claimed about speed and accuracy, and the commands that measure it: `python -m benchmarks.NAME`."""
