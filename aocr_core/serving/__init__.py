"""HTTP serving of exported models: versions on disk, TF Serving's REST dialect, Vertex AI's container contract."""
