"""`…/metadataStores/default/contexts`: experiments, as far as a run is put into one."""

from typing import Any

from google.api_core.exceptions import AlreadyExists, NotFound
from google.cloud.aiplatform_v1.types import AddContextChildrenResponse, Context


class Metadata:
    """Answers for the MetadataService."""

    def __init__(self) -> None:
        self.contexts: dict[str, Context] = {}
        self.children: dict[str, list[str]] = {}

    def get_context(self, request: Any) -> Context:
        if request.name not in self.contexts:
            raise NotFound(f"Context {request.name} is not found.")
        return self.contexts[request.name]

    def create_context(self, request: Any) -> Context:
        name = f"{request.parent}/contexts/{request.context_id}"
        if name in self.contexts:
            raise AlreadyExists(f"Context {name} already exists.")
        self.contexts[name] = Context(Context.pb(request.context), name=name)
        return self.contexts[name]

    def add_context_children(self, request: Any) -> AddContextChildrenResponse:
        if request.context not in self.contexts:
            raise NotFound(f"Context {request.context} is not found.")
        children = self.children.setdefault(request.context, [])
        children += [child for child in request.child_contexts if child not in children]
        return AddContextChildrenResponse()
