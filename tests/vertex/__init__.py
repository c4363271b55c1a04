"""A stand-in for Vertex AI on loopback: the REST surface of the real client library, and pipelines that really run.

What a request may hold is not written down here: methods, paths and messages are those of `google.cloud.aiplatform_v1`
(see `rpc`), so that a field or a path that Google does not know is refused here as it is there. To add a resource,
write a class whose methods are named as the RPCs and give it to `VertexDouble`.
"""
