"""The store in Weaviate, held to the contract of all stores."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from chains.stores.weaviate import WeaviateStore
from chains.stores.weaviate_index import Layout
from chains.stores.weaviate_server import Server
from tests.chains.stores.contract import MakeStore, StoreContract
from webhooks.demo.weaviate_server import WeaviateServer

pytestmark = [pytest.mark.server, pytest.mark.weaviate]
_numbers = count(1)


def at(server: WeaviateServer) -> Server:
    """How a store reaches that server."""
    return Server(server.url, server.grpc_port, server.api_key)


@pytest.fixture(params=[False, True], ids=["one for all", "tenants"])
def layout(request: pytest.FixtureRequest) -> Layout:
    return Layout(prefix=f"Test{next(_numbers)}", tenants=request.param)


@pytest.fixture
def make_store(weaviate_server: WeaviateServer, layout: Layout) -> Iterator[MakeStore]:
    made: list[WeaviateStore] = []

    def make(embedder: str, dimension: int) -> WeaviateStore:
        made.append(WeaviateStore(at(weaviate_server), embedder=embedder, dimension=dimension, layout=layout))
        return made[-1]

    yield make
    for store in made:
        store.close()


class TestWeaviateStore(StoreContract):
    pass
