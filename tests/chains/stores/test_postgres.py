"""The store in PostgreSQL, held to the contract of all stores."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg_pool import ConnectionPool

from chains.analyser import stems
from chains.stores import postgres_index
from chains.stores.postgres import PostgresStore
from chains.stores.store import Scope
from connector.errors import ConfigurationError
from tests.chains.index_doubles import DIMENSION, HashedWords, document, embedded
from tests.chains.stores.contract import CARD, LEAVE, LICENCE, MakeStore, StoreContract

pytestmark = pytest.mark.server

Pool = ConnectionPool[psycopg.Connection]


@pytest.fixture
def pool(database_url: str) -> Iterator[Pool]:
    with ConnectionPool(database_url, min_size=1, max_size=4, open=True) as pool:
        yield pool


@pytest.fixture
def make_store(pool: Pool) -> MakeStore:
    return lambda embedder, dimension: PostgresStore(pool, embedder=embedder, dimension=dimension)


class TestPostgresStore(StoreContract):
    pass


def test_searches_go_on_while_the_index_changes(make_store: MakeStore) -> None:
    store = make_store("words", DIMENSION)
    store.update([embedded(CARD), embedded(LICENCE)], [])
    counts: list[int] = []
    stop = threading.Event()

    def search() -> None:
        while not stop.is_set():
            counts.append(len(store.search(Scope.TITLES, stems("carte permis"), 10)))

    reader = threading.Thread(target=search)
    reader.start()
    for number in range(10):
        store.update([embedded(document("card", "Carte d'identité", f"Texte {number}."))], [])
    stop.set()
    reader.join()
    assert set(counts) == {2}


def test_beyond_some_passages_vectors_are_searched_through_an_index(
    make_store: MakeStore, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_index, "EXACT_UP_TO", 2)
    store = make_store("words", DIMENSION)
    store.update([embedded(CARD), embedded(LICENCE), embedded(LEAVE)], [])
    store.finish()
    store.update([embedded(LEAVE)], [])
    store.finish()
    with pool.connection() as connection:
        assert connection.execute("SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%hnsw%'").fetchone() == (1,)
    assert store.nearest(HashedWords().embed_query(LEAVE.passages[0].text), 1)[0].id == "leave#0"


def test_an_index_of_another_embedder_stays_beside_the_new_one(make_store: MakeStore) -> None:
    old, new = make_store("old", DIMENSION), make_store("new", DIMENSION)
    old.update([embedded(CARD)], [])
    new.update([embedded(CARD), embedded(LICENCE)], [])
    assert (old.statistics().documents, new.statistics().documents) == (1, 2)


def test_without_the_right_to_add_pgvector_the_error_says_who_must(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS plain")
        connection.execute("CREATE ROLE plain LOGIN")
        connection.execute(
            sql.SQL("GRANT CREATE ON DATABASE {} TO plain").format(sql.Identifier(connection.info.dbname))
        )
    with (
        ConnectionPool(database_url, kwargs={"user": "plain"}, min_size=1, open=True) as pool,
        pytest.raises(ConfigurationError, match=r"pgvector.*administrator.*CREATE EXTENSION vector"),
    ):
        PostgresStore(pool, embedder="words", dimension=DIMENSION).update([embedded(CARD)], [])


def test_a_hostile_question_is_only_a_question(make_store: MakeStore) -> None:
    store = make_store("words", DIMENSION)
    store.update([embedded(CARD)], [])
    assert store.search(Scope.TITLES, ["'); DROP SCHEMA public CASCADE; --", "cart"], 10)[0].id == "card"
