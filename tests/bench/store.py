"""`make bench-store ARGS="--store weaviate --passages 30000,300000"`: searches, memory, imports as a corpus grows."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from chains.corpora.document import Document
from chains.corpora.service_public import read_service_public
from chains.embedding import Embedder
from chains.evaluation import read_questions
from chains.indexing import index
from connector.errors import GreffierError
from tests.bench import imports, searching
from tests.bench.figures import Result, Target, percentile
from tests.bench.grown import DIMENSION, Asked, Grown
from tests.bench.imports import CORPUS
from tests.bench.package import fetched
from tests.bench.servers import held, opened

SEARCH = {("weaviate", 300_000): 60.0, ("weaviate", 1_000_000): 100.0, ("postgres", 300_000): 150.0}
"""The most that the 95th percentile of a whole search may be, in milliseconds."""
OWN = 5.0
"""The same for what Greffier itself adds to the store's calls."""
PARTS = ("growth", "embedder", "kill")
KILLS = 3
MB = 1e6
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True)
class Given:
    """What is measured with."""

    sheets: Sequence[Document]
    questions: Sequence[str]
    ready: Path | None
    data: Path | None


def _numbers(context: click.Context, parameter: click.Parameter, value: str) -> list[int]:
    try:
        return [int(number) for number in value.split(",")]
    except ValueError:
        raise click.BadParameter("numbers with commas between them") from None


@click.command()
@click.option("--store", "kind", type=click.Choice(["postgres", "weaviate"]), required=True)
@click.option("--passages", "sizes", default="30000,300000", show_default=True, callback=_numbers)
@click.option("--part", "parts", type=click.Choice(PARTS), multiple=True, help="Not all of it; may be repeated.")
@click.option("--rates", default="200,1000", show_default=True, callback=_numbers, help="Of embedders, in passages/s.")
@click.option("--seconds", default=30.0, show_default=True, help="How long each of these embedders has work.")
@click.option("--corpus", type=click.Path(exists=True, path_type=Path), help="A feed, not the package that is fetched.")
@click.option("--embedding-cache", "ready", type=_FOLDER, help="A folder of ready vectors; else they are random.")
@click.option("--questions", type=click.Path(exists=True, path_type=Path), help="JSON Lines; else titles of sheets.")
@click.option("--data", type=_FOLDER, help="Where the servers' files are, until the end.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of Markdown.")
def main(
    kind: str,
    sizes: list[int],
    parts: tuple[str, ...],
    rates: list[int],
    seconds: float,
    corpus: Path | None,
    ready: Path | None,
    questions: Path | None,
    data: Path | None,
    as_json: bool,
) -> None:
    """Measure a store with more and more passages: copies of the sheets of service-public.fr."""
    sheets = list(read_service_public(corpus or fetched(), corpus=CORPUS, unreadable=[]))
    asked = (
        [one.question for one in read_questions(questions)] if questions else [sheet.title for sheet in sheets[:400]]
    )
    given = Given(sheets, asked, ready, data)
    results = []
    for name, measure in _parts(kind, given, sizes, rates, seconds).items():
        if name in (parts or PARTS):
            for result in measure():
                results.append(result)
                if not as_json:
                    click.echo(result.markdown(f'make bench-store ARGS="--store {kind} --part {name}"') + "\n")
    if as_json:
        click.echo(json.dumps([asdict(result) for result in results], ensure_ascii=False))
    sys.exit(0 if all(target.is_met for result in results for target in result.targets) else 1)


def _parts(
    kind: str, given: Given, sizes: Sequence[int], rates: Sequence[float], seconds: float
) -> dict[str, Callable[[], Iterator[Result]]]:
    def growth() -> Iterator[Result]:
        yield from _growth(kind, given, sizes)

    def embedder() -> Iterator[Result]:
        yield imports.beside_embedder(kind, given.sheets, rates, seconds, given.data)

    def kill() -> Iterator[Result]:
        if kind == "weaviate":  # what PostgreSQL has half done it takes back
            yield imports.killed(Grown(given.sheets, sizes[0], given.ready), KILLS, given.data)

    return {"growth": growth, "embedder": embedder, "kill": kill}


def _growth(kind: str, given: Given, sizes: Sequence[int]) -> Iterator[Result]:
    """Import, search and import again at each size."""
    times: dict[int, dict[str, list[float]]] = {}
    rows = []
    for size in sizes:
        click.echo(f"{kind}: {size:,} passages", err=True)
        row, times[size] = _at(kind, given, size)
        rows.append(row)
    targets = [
        Target(f"{searching.WHOLE}, p95 at {size:,}", percentile(taken[searching.WHOLE], 95), SEARCH[kind, size], " ms")
        for size, taken in times.items()
        if (kind, size) in SEARCH
    ]
    targets += [
        Target(f"own share, median at {size:,}", percentile(taken[searching.OWN], 50), OWN, " ms")
        for size, taken in times.items()
    ]
    asked = f"{len(given.questions)} questions one after the other, after {searching.WARM} that are not counted."
    yield Result(f"Searches, {kind}", asked, searching.rows(times), tuple(targets))
    yield Result(f"Memory and import, {kind}", "Vectors were ready. MB are 10^6 bytes.", tuple(rows), ())


def _at(kind: str, given: Given, size: int) -> tuple[dict[str, str | float], dict[str, list[float]]]:
    grown = Grown(given.sheets, size, given.ready)
    embedder = Embedder("grown", DIMENSION, "passage: ", Asked({}))
    vectors = grown.vectors(given.questions)
    with held(kind, given.data) as server, opened(server, embedder) as store:
        began = time.monotonic()
        index(CORPUS, grown.documents(), store, embedder, grown, _told)
        store.publish()
        imported, load = time.monotonic() - began, os.getloadavg()[0]
        times = searching.milliseconds(store, given.questions, vectors)
        taken = server.taken()
        again = time.monotonic()
        done = index(CORPUS, grown.documents(), store, embedder, grown)
        unchanged = time.monotonic() - again
        assert done.added == done.changed == 0
    row: dict[str, str | float] = {
        "passages": f"{size:,}",
        "import, passages/s": size / imported,
        "unchanged, s": unchanged,
        "PSS, MB": taken.pss / MB,
        "RSS, MB": taken.rss / MB,
        "disk, MB": taken.disk / MB,
        "load when searched": load,
    }
    return row, times


def _told(what: str, done: int, total: int) -> None:
    if done % 10_000 == 0:
        click.echo(f"  {what}: {done:,}", err=True)


if __name__ == "__main__":
    logging.getLogger("greffier").setLevel(logging.ERROR)
    try:
        main()
    except GreffierError as error:
        click.echo(f"bench-store: {error}", err=True)
        sys.exit(1)
