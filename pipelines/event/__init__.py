"""A new annotation file in a bucket starts a run on Vertex AI.

Cloud Storage tells of it by a CloudEvent, which Eventarc brings to the function in `main`. Locally:
`python -m pipelines.event`.
"""
