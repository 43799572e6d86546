"""What `greffier check` says of a Weaviate: alone, with a full disk, open to anybody, and of three together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sized
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from chains.stores.store import Scope
from chains.stores.weaviate import WeaviateStore
from chains.stores.weaviate_checks import findings
from chains.stores.weaviate_collections import Layout
from chains.stores.weaviate_server import Connection, Server
from connector.errors import RemoteError
from connector.ticket import Level
from tests.chains.index_doubles import DIMENSION, HashedWords, document, embedded
from tests.chains.stores.contract import CARD
from tests.conftest import weaviate_in
from tests.system import wait_until
from webhooks.demo.weaviate_server import WeaviateServer

pytestmark = [pytest.mark.server, pytest.mark.weaviate]

TIMEOUT = 3.0
FORGOTTEN = 7.0  # seconds after which a node that is gone is in no list any more


def at(server: WeaviateServer) -> Server:
    return Server(server.url, server.grpc_port, server.api_key, timeout=TIMEOUT)


@contextmanager
def indexed(server: Server, layout: Layout) -> Iterator[WeaviateStore]:
    with closing(WeaviateStore(server, embedder="words", dimension=DIMENSION, layout=layout)) as store:
        store.update([embedded(CARD)], [])
        yield store


def told(server: Server, layout: Layout) -> list[tuple[Level, str, str]]:
    return [(one.level, one.subject, one.message) for one in findings(server, layout)]


def test_a_server_in_order_has_one_line(weaviate_server: WeaviateServer) -> None:
    layout = Layout(prefix="Checked")
    (before,) = told(at(weaviate_server), layout)
    with indexed(at(weaviate_server), layout):
        (line,) = told(at(weaviate_server), layout)
    where = f"{weaviate_server.url}, gRPC at {weaviate_server.grpc_port}"
    assert before == line == (Level.OK, "store", f"Weaviate 1.39.0 at {where}")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"api_key": "wrong"}, "[store] api_key: Weaviate does not accept the key"),
        ({"api_key": ""}, "[store] api_key: Weaviate does not accept the key"),
        ({"url": "http://127.0.0.1:9"}, "[store] url: Weaviate cannot be reached"),
        ({"grpc_port": 9}, "[store] grpc_port: Weaviate does not answer there by gRPC"),
    ],
)
def test_what_is_wrong_is_named_by_its_setting(
    weaviate_server: WeaviateServer, wrong: dict[str, object], message: str
) -> None:
    assert told(replace(at(weaviate_server), **wrong), Layout()) == [(Level.ERROR, "store", message)]  # type: ignore[arg-type]


def test_a_server_elsewhere_without_tls_is_warned_of() -> None:
    (warning, _) = told(Server("http://store.invalid:8080", timeout=TIMEOUT), Layout())
    assert warning == (Level.WARNING, "store.url", "the key and what is searched travel unencrypted: use https")


def test_more_copies_than_nodes_are_an_error(weaviate_server: WeaviateServer) -> None:
    lines = told(at(weaviate_server), Layout(prefix="NotThere", replicas=3))
    assert lines[1:] == [
        (Level.ERROR, "store.replicas", "3 copies need as many nodes, and Weaviate has 1 that are well"),
        (Level.ERROR, "store.consistency", "quorum of 3 copies needs 2 nodes, and 1 are well"),
    ]


def test_a_full_disk_and_open_doors_are_told(tmp_path: Path) -> None:
    """On a full disk Weaviate makes itself read-only; here it is told to."""
    with weaviate_in(tmp_path, settings=(("AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED", "true"),)) as server:
        with indexed(at(server), Layout()), closing(Connection(at(server))) as connection:
            for name in connection.client().collections.list_all(simple=True):
                connection.client().collections.use(name).config.update_shards(status="READONLY")
        _, disk, doors = told(at(server), Layout())
    assert disk[:2] == (Level.ERROR, "store")
    assert disk[2].startswith("its node node1 is read-only: its disk or memory is full")
    assert doors[:2] == (Level.WARNING, "store.api_key")
    assert doors[2].startswith("anybody is let in without a key: ")


# --- three nodes


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[WeaviateServer]]:
    """Three nodes of one Weaviate. They must start together: none is ready alone."""
    nodes = [weaviate_in(tmp_path_factory.mktemp("node")) for _ in range(3)]
    raft = ",".join(f"node{number}:{node.cluster_port + 2}" for number, node in enumerate(nodes, 1))
    for number, node in enumerate(nodes, 1):
        node.api_key = nodes[0].api_key
        join = [("CLUSTER_JOIN", f"127.0.0.1:{nodes[0].cluster_port}")] if number > 1 else []
        hostname = ("CLUSTER_HOSTNAME", f"node{number}")
        node.settings = (hostname, ("RAFT_JOIN", raft), ("RAFT_BOOTSTRAP_EXPECT", "3"), *join)
    with ExitStack() as stack, ThreadPoolExecutor(3) as threads:  # a thread's end would end what it has started
        for node in nodes:
            stack.callback(node.kill)
        list(threads.map(WeaviateServer.start, nodes))
        yield nodes


def test_with_a_node_gone_three_copies_are_searched_and_it_is_told(cluster: list[WeaviateServer]) -> None:
    server, layout = at(cluster[0]), Layout(prefix="Three", replicas=3)
    with indexed(server, layout) as store, without(cluster[2], server, layout):
        wait_until(lambda: _is_served(store))
        _, *warnings = told(server, layout)
        assert warnings == [
            (Level.WARNING, "store.replicas", "3 copies need as many nodes, and Weaviate has 2 that are well")
        ]
        _, _, error = told(server, replace(layout, consistency="all"))
        assert error == (Level.ERROR, "store.consistency", "all of 3 copies needs 3 nodes, and 2 are well")
    _, warning = told(server, replace(layout, replicas=2))
    assert warning == (Level.WARNING, "store.replicas", "the index has 3 copies, not 2: run greffier index --anew")


def test_with_a_node_gone_one_copy_is_found_whole_or_not_at_all(
    cluster: list[WeaviateServer],
) -> None:
    server, layout = at(cluster[0]), Layout(prefix="One")
    documents = [document(f"d{number}", f"Carte {number}", "Demande de carte.") for number in range(30)]
    question = HashedWords().embed_query("carte")
    with closing(WeaviateStore(server, embedder="words", dimension=DIMENSION, layout=layout)) as store:
        store.update([embedded(one) for one in documents], [])
        for node in cluster[1:]:
            with without(node, server, layout):
                searches = (
                    lambda: store.search(Scope.TITLES, ["cart"], 50),
                    lambda: store.nearest(question, 50),
                    lambda: store.passages([f"d{number}#0" for number in range(30)]),
                )
                assert {_found(search) for search in searches} <= {30, None}


@contextmanager
def without(node: WeaviateServer, server: Server, layout: Layout) -> Iterator[None]:
    """The others, after they have noticed that a node is gone for good."""
    node.kill()
    try:
        wait_until(lambda: any("has 2 that are well" in line[2] for line in told(server, replace(layout, replicas=3))))
        time.sleep(FORGOTTEN)
        yield
    finally:
        node.start()
        wait_until(lambda: not any("that are well" in line[2] for line in told(server, replace(layout, replicas=3))))


def _found(search: Callable[[], Sized]) -> int | None:
    try:
        return len(search())
    except RemoteError:
        return None


def _is_served(store: WeaviateStore) -> bool:
    try:
        return [hit.id for hit in store.search(Scope.TITLES, ["cart"], 5)] == ["card"]
    except RemoteError:
        return False
