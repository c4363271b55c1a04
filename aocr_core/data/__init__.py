"""From annotation files and images to TFRecords: everything is checked here, once, before it reaches TensorFlow."""
