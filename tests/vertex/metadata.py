"""`…/metadataStores` and `…/contexts` in them: experiments, as far as a run is put into one."""

from typing import Any

from google.api_core.exceptions import AlreadyExists, NotFound
from google.cloud.aiplatform_v1.types import AddContextChildrenResponse, Context, MetadataStore
from google.longrunning.operations_pb2 import Operation

from tests.vertex import rpc


class Metadata:
    """Answers for the MetadataService."""

    def __init__(self) -> None:
        self.stores: dict[str, MetadataStore] = {}
        self.contexts: dict[str, Context] = {}
        self.children: dict[str, list[str]] = {}

    def create_metadata_store(self, request: Any) -> Operation:
        name = f"{request.parent}/metadataStores/{request.metadata_store_id}"
        if name in self.stores:
            raise AlreadyExists(f"MetadataStore {name} already exists.")
        self.stores[name] = MetadataStore(MetadataStore.pb(request.metadata_store), name=name)
        return rpc.done(name, self.stores[name])

    def get_metadata_store(self, request: Any) -> MetadataStore:
        if request.name not in self.stores:
            raise NotFound(f"MetadataStore {request.name} is not found.")
        return self.stores[request.name]

    def get_context(self, request: Any) -> Context:
        if request.name not in self.contexts:
            raise NotFound(f"Context {request.name} is not found.")
        return self.contexts[request.name]

    def create_context(self, request: Any) -> Context:
        if request.parent not in self.stores:
            raise NotFound(f"MetadataStore {request.parent} is not found.")
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
