"""The store in Weaviate, held to the contract of all stores, and what only a server of its own brings."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from chains.stores.store import Embedded, Scope
from chains.stores.vectors import to_bytes
from chains.stores.weaviate import WeaviateStore
from chains.stores.weaviate_collections import Layout
from chains.stores.weaviate_server import Connection, Server
from connector.errors import ConfigurationError, RemoteError
from tests.chains.index_doubles import DIMENSION, HashedWords, document, embedded
from tests.chains.stores.contract import CARD, LEAVE, LICENCE, MakeStore, StoreContract
from tests.conftest import weaviate_in
from webhooks.demo.weaviate_server import Tls, WeaviateServer

pytestmark = [pytest.mark.server, pytest.mark.weaviate]
_numbers = count(1)

Open = Callable[..., WeaviateStore]


def at(server: WeaviateServer) -> Server:
    """How a store reaches that server."""
    return Server(server.url, server.grpc_port, server.api_key)


@pytest.fixture(params=[False, True], ids=["one for all", "tenants"])
def layout(request: pytest.FixtureRequest) -> Layout:
    return Layout(prefix=f"Test{next(_numbers)}", tenants=request.param)


@pytest.fixture
def opened() -> Iterator[Open]:
    """Stores that are closed at the end."""
    made: list[WeaviateStore] = []

    def make(server: Server, embedder: str = "words", dimension: int = DIMENSION, **how: object) -> WeaviateStore:
        made.append(WeaviateStore(server, embedder=embedder, dimension=dimension, **how))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for store in made:
        store.close()


@pytest.fixture
def make_store(weaviate_server: WeaviateServer, layout: Layout, opened: Open) -> MakeStore:
    return lambda embedder, dimension: opened(at(weaviate_server), embedder, dimension, layout=layout)


class TestWeaviateStore(StoreContract):
    pass


# made again beside itself


def test_an_index_that_is_made_anew_is_searched_when_it_is_published(
    weaviate_server: WeaviateServer, layout: Layout, opened: Open
) -> None:
    reader, writer = (opened(at(weaviate_server), layout=layout) for _ in range(2))
    writer.update([embedded(CARD), embedded(LICENCE)], [])
    anew = opened(at(weaviate_server), layout=layout, anew=True)
    assert anew.digests("sheets") == {}
    anew.update([embedded(LEAVE)], [])
    assert [hit.id for hit in reader.search(Scope.TITLES, ["perm"], 5)] == ["licence"]
    anew.publish()
    assert reader.search(Scope.TITLES, ["perm"], 5) == []
    assert [hit.id for hit in reader.search(Scope.TITLES, ["cong"], 5)] == ["leave"]
    assert reader.statistics().documents == 1


def test_searches_go_on_while_an_index_is_made_anew(
    weaviate_server: WeaviateServer, layout: Layout, opened: Open
) -> None:
    opened(at(weaviate_server), layout=layout).update([embedded(CARD)], [])
    reader = opened(at(weaviate_server), layout=layout)
    found: set[str] = set()
    stop = threading.Event()

    def search() -> None:
        while not stop.is_set():
            found.add(" ".join(hit.id for hit in reader.search(Scope.TITLES, ["cart"], 5)))

    thread = threading.Thread(target=search)
    thread.start()
    for _ in range(3):
        anew = opened(at(weaviate_server), layout=layout, anew=True)
        anew.update([embedded(CARD)], [])
        anew.publish()
    stop.set()
    thread.join()
    assert found == {"card"}


def test_what_was_begun_anew_and_interrupted_is_gone_on_with(
    weaviate_server: WeaviateServer, layout: Layout, opened: Open
) -> None:
    opened(at(weaviate_server), layout=layout).update([embedded(CARD)], [])
    opened(at(weaviate_server), layout=layout, anew=True).update([embedded(CARD)], [])
    again = opened(at(weaviate_server), layout=layout, anew=True)
    assert again.digests("sheets") == {"card": CARD.digest}


def test_what_is_being_made_anew_outlives_a_run_over_the_index_in_use(
    weaviate_server: WeaviateServer, layout: Layout, opened: Open
) -> None:
    usual = opened(at(weaviate_server), layout=layout)
    usual.update([embedded(LICENCE)], [])
    begun = opened(at(weaviate_server), layout=layout, anew=True)
    begun.update([embedded(CARD)], [])
    assert (usual.unpublished(), begun.unpublished()) == (False, True)
    usual.publish()
    again = opened(at(weaviate_server), layout=layout, anew=True)
    assert again.digests("sheets") == {"card": CARD.digest}
    again.publish()
    assert opened(at(weaviate_server), layout=layout, anew=True).digests("sheets") == {}  # the one before is gone
    assert again.others() == []


def test_an_older_index_is_never_gone_on_with(weaviate_server: WeaviateServer, layout: Layout, opened: Open) -> None:
    older = opened(at(weaviate_server), layout=layout)
    older.update([embedded(LICENCE)], [])
    newer = opened(at(weaviate_server), layout=layout, anew=True)
    newer.update([embedded(CARD)], [])
    # what a crash leaves between the switch and the dropping of what was before
    newer._collections._point(newer._collections._connection.client(), 2)
    assert opened(at(weaviate_server), layout=layout, anew=True).digests("sheets") == {}


def test_collections_of_others_are_left_alone(weaviate_server: WeaviateServer, layout: Layout, opened: Open) -> None:
    store, near = opened(at(weaviate_server), layout=layout), replace(layout, prefix=f"{layout.prefix}0")
    store.update([embedded(CARD)], [])
    other = opened(at(weaviate_server), layout=near)
    other.update([embedded(LEAVE)], [])
    opened(at(weaviate_server), layout=layout, anew=True).update([embedded(CARD)], [])
    assert len(store.drop_others()) == 2  # what was being made anew
    assert (store.statistics().documents, other.statistics().documents) == (1, 1)


def test_another_embedder_is_searched_when_its_index_is_published(
    weaviate_server: WeaviateServer, layout: Layout, opened: Open
) -> None:
    opened(at(weaviate_server), layout=layout).update([embedded(CARD)], [])
    better = opened(at(weaviate_server), "better", layout=layout)
    better.update([embedded(CARD)], [])
    reader = opened(at(weaviate_server), "better", layout=layout)
    with pytest.raises(ConfigurationError, match=r"better.*words.*run greffier index"):
        reader.statistics()
    better.publish()
    assert reader.statistics().documents == 1


# neighbours that fail


def test_a_wrong_key_is_said_to_be_wrong(weaviate_server: WeaviateServer, opened: Open) -> None:
    store = opened(replace(at(weaviate_server), api_key="wrong"))
    with pytest.raises(RemoteError, match=r"\[store\] api_key: Weaviate does not accept the key") as caught:
        store.statistics()
    assert not caught.value.permanent


def test_a_server_that_is_away_is_said_to_be_away(weaviate_server: WeaviateServer, opened: Open) -> None:
    for server in (Server("http://127.0.0.1:9", timeout=1), replace(at(weaviate_server), grpc_port=9, timeout=1)):
        with pytest.raises(RemoteError, match=r"\[store\] (url|grpc_port): ") as caught:
            opened(server).statistics()
        assert not caught.value.permanent


def test_nobody_but_the_server_is_asked_anything(
    weaviate_server: WeaviateServer, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    send = httpx.Client.send

    def recorded(client: httpx.Client, request: httpx.Request, **how: Any) -> httpx.Response:
        asked.append(request.url.netloc.decode())
        return send(client, request, **how)

    monkeypatch.setattr(httpx.Client, "send", recorded)
    opened(at(weaviate_server), layout=Layout(prefix=f"Test{next(_numbers)}")).update([embedded(CARD)], [])
    assert set(asked) == {f"127.0.0.1:{weaviate_server.port}"}


def test_a_proxy_of_the_environment_is_not_used(
    weaviate_server: WeaviateServer, opened: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    for bundle in (None, tmp_path / "ca.pem"):
        layout = Layout(prefix=f"Test{next(_numbers)}")
        opened(replace(at(weaviate_server), ca_bundle=bundle), layout=layout).update([embedded(CARD)], [])
    assert "NO_PROXY" not in os.environ


def test_tls_with_a_private_authority(tmp_path: Path, opened: Open) -> None:
    authority, other = trustme.CA(), trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "server.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "server.key")
    for name, ca in (("ca.pem", authority), ("other.pem", other)):
        ca.cert_pem.write_to_path(tmp_path / name)
    tls = Tls(tmp_path / "server.pem", tmp_path / "server.key", tmp_path / "ca.pem")
    with weaviate_in(tmp_path / "weaviate", tls=tls) as server:
        store = opened(replace(at(server), ca_bundle=tmp_path / "ca.pem"))
        store.update([embedded(CARD)], [])
        assert [hit.id for hit in store.search(Scope.TITLES, ["cart"], 5)] == ["card"]
        for bundle in (tmp_path / "other.pem", None):
            with pytest.raises(RemoteError, match=r"\[store\] url: .*authority.*ca_bundle"):
                opened(replace(at(server), ca_bundle=bundle)).statistics()
    with pytest.raises(ConfigurationError, match=r"\[store\] ca_bundle: .*missing.pem cannot be read"):
        opened(replace(at(server), ca_bundle=tmp_path / "missing.pem")).statistics()


def test_a_full_disk_is_said_to_be_full_and_no_text_is_logged(
    weaviate_server: WeaviateServer, opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    """On a full disk Weaviate makes itself read-only; here it is told to."""
    layout = Layout(prefix=f"Test{next(_numbers)}")
    store = opened(at(weaviate_server), layout=layout)
    store.update([embedded(CARD)], [])
    connection = Connection(at(weaviate_server))
    for name in connection.client().collections.list_all(simple=True):
        if name.startswith(f"{layout.prefix}_"):
            connection.client().collections.use(name).config.update_shards(status="READONLY")
    connection.close()
    with pytest.raises(RemoteError, match=r"\[store\] url: .*stored none .*; card: .*read-only.*its disk") as caught:
        store.update([embedded(CARD)], [])
    assert not caught.value.permanent
    assert CARD.passages[0].text not in caplog.text
    assert [hit.id for hit in store.search(Scope.TITLES, ["cart"], 5)] == ["card"]


def test_after_a_kill_in_mid_import_nothing_is_missing_and_nothing_twice(tmp_path: Path, opened: Open) -> None:
    entries = [_bulky(number) for number in range(300)]
    with weaviate_in(tmp_path) as server:
        for pause in (0.4, 0.9):
            killer = threading.Timer(pause, server.kill)
            killer.start()
            with pytest.raises(RemoteError):
                _again_and_again(lambda: opened(at(server)).update(entries, []))
            killer.join()
            server.start()
        store = opened(at(server))
        known = store.digests("sheets")
        store.update([entry for entry in entries if known.get(entry.document.id) != entry.document.digest], [])
        assert store.digests("sheets") == {entry.document.id: entry.document.digest for entry in entries}
        statistics = store.statistics()
        assert (statistics.documents, statistics.passages, statistics.vectors) == (300, 2400, 2400)
        for number in random.Random(1).sample(range(300), 20):  # noqa: S311
            assert [hit.id for hit in store.search(Scope.TITLES, [f"unique{number}"], 5)] == [f"d{number}"]
            assert len(store.passages([f"d{number}#{n}" for n in range(8)])) == 8


def test_vectors_are_found_after_a_kill_right_behind_their_import(tmp_path: Path, opened: Open) -> None:
    entries = [embedded(document(f"d{number}", "Carte", "Demande de carte.")) for number in range(30)]
    question = HashedWords().embed_query("carte")
    with weaviate_in(tmp_path) as server:
        for name in "ABCDEFGHIJ":
            opened(at(server), layout=Layout(prefix=name)).update(entries, [])
        server.kill()
        server.start()
        found = [len(opened(at(server), layout=Layout(prefix=name)).nearest(question, 50)) for name in "ABCDEFGHIJ"]
        assert found == [30] * 10


def test_a_server_that_comes_back_is_searched_again(tmp_path: Path, opened: Open) -> None:
    with weaviate_in(tmp_path) as server:
        store = opened(replace(at(server), timeout=2))
        store.update([embedded(CARD)], [])
        server.kill()
        with pytest.raises(RemoteError) as caught:
            store.search(Scope.TITLES, ["cart"], 5)
        assert not caught.value.permanent
        server.start()
        assert _patiently(lambda: store.search(Scope.TITLES, ["cart"], 5))[0].id == "card"


def _again_and_again(do: Callable[[], None]) -> None:
    while True:
        do()


def _patiently(look: Callable[[], list]) -> list:  # type: ignore[type-arg]
    end = time.monotonic() + 30
    while True:
        try:
            return look()
        except RemoteError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def _bulky(number: int) -> Embedded:
    texts = [f"Passage {n} du document {number}. " * 20 for n in range(8)]
    made = document(f"d{number}", f"unique{number}", *texts)
    return Embedded(made, tuple(map(to_bytes, HashedWords().embed_documents(texts))))
