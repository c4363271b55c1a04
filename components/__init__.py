"""The pipeline's steps as KFP components: typed doors to `aocr_core`, a few lines each."""
