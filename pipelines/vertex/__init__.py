"""The compiled pipeline on Vertex AI: requests, submissions, schedules, and what is known of a run.

Everything speaks the REST API, the same transport as in the tests. `google.cloud` is imported inside functions.
"""
