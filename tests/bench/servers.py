"""The servers behind the two stores, started for a benchmark in a folder of its own, and what they take of the machine.

Each comes with a PostgreSQL of Greffier's, which has the embedding cache.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil
from psycopg_pool import ConnectionPool

from chains.embedding import Embedder
from chains.stores.postgres import PostgresStore
from chains.stores.store import Store
from chains.stores.weaviate import WeaviateStore
from chains.stores.weaviate_server import Server
from webhooks import schema
from webhooks.demo.weaviate_server import WeaviateServer
from webhooks.ledger import Connection
from webhooks.running import postgres

CONNECTIONS = 12
"""As many as a worker of four drafts at once has."""
SOURCE_TIMEOUT = 30.0  # seconds; a search that takes that long is a figure too


@dataclass(frozen=True, slots=True)
class Taken:
    """What a server takes: bytes of memory, shared out among its processes and as `ps` counts it, and of disk."""

    pss: int
    rss: int
    disk: int


class Held(Protocol):
    """A store's server."""

    pool: ConnectionPool[Connection]

    def store(self, embedder: Embedder) -> Store:
        """The index of that embedder, whoever closes it."""

    def taken(self) -> Taken:
        """What the server takes now."""


@dataclass
class HeldPostgres:
    """PostgreSQL, which has the index and the cache."""

    folder: Path
    pool: ConnectionPool[Connection]

    def store(self, embedder: Embedder) -> Store:
        """The index of that embedder, whoever closes it."""
        return PostgresStore(self.pool, embedder=embedder.name, dimension=embedder.dimension)

    def taken(self) -> Taken:
        """What the server takes now: its database without its log of changes."""
        data = postgres.data_folder(self.folder.absolute())
        pid = int((data / "postmaster.pid").read_text("utf-8").split("\n")[0])
        first = psutil.Process(pid)
        return _taken([first, *first.children(recursive=True)], data / "base")


@dataclass
class HeldWeaviate:
    """Weaviate, beside the PostgreSQL that has the cache."""

    server: WeaviateServer
    pool: ConnectionPool[Connection]

    def store(self, embedder: Embedder) -> Store:
        """The index of that embedder, whoever closes it."""
        server = Server(self.server.url, self.server.grpc_port, self.server.api_key, timeout=SOURCE_TIMEOUT)
        return WeaviateStore(server, embedder=embedder.name, dimension=embedder.dimension)

    def taken(self) -> Taken:
        """What the server takes now."""
        return _taken([psutil.Process(self.server.pid)], self.server.folder / "data")


@contextmanager
def held(kind: str, data: Path | None) -> Iterator[Held]:
    """The server of that kind of store, with nothing in it, for as long as this lasts; its files are in `data`."""
    with tempfile.TemporaryDirectory(prefix="greffier-bench-", dir=data) as made:
        folder = Path(made)
        with _pool(folder) as pool:
            if kind == "postgres":
                yield HeldPostgres(folder, pool)
            else:
                with WeaviateServer(folder / "weaviate") as server:
                    yield HeldWeaviate(server, pool)


@contextmanager
def opened(held: Held, embedder: Embedder) -> Iterator[Store]:
    """The index of that embedder."""
    with closing(held.store(embedder)) as store:
        yield store


@contextmanager
def _pool(folder: Path) -> Iterator[ConnectionPool[Connection]]:
    with postgres.running(folder) as server:
        server.create_database()
        schema.migrate(postgres.address(folder))
        how = {"autocommit": True}
        with ConnectionPool(postgres.address(folder), kwargs=how, min_size=1, max_size=CONNECTIONS, open=True) as pool:
            yield pool


def _taken(processes: list[psutil.Process], folder: Path) -> Taken:
    pss = rss = 0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            memory = process.memory_full_info()
            pss, rss = pss + memory.pss, rss + memory.rss
    disk = sum(file.stat().st_blocks * 512 for file in folder.rglob("*") if file.is_file())
    return Taken(pss, rss, disk)
