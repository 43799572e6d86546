"""A run over sources: the text of each, so that it can be searched, then the vectors of each."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import psycopg

from chains.corpora.document import Document
from chains.indexing import Embedder, Indexed, Progress, VectorCache, index_text, index_vectors
from chains.stores.store import Store
from connector.errors import GreffierError
from webhooks.index.links import Links
from webhooks.index.state import States

log = logging.getLogger("greffier.index")

Reader = Callable[[list[str]], Iterator[Document]]
"""Gives the documents of a source, and tells the list of those that it has to leave out."""


@dataclass
class Outcome:
    """What a run did with a source. `error` says why it failed, `seconds` how long it took.

    It is not `complete` where something could not be read that could be before: then nothing was removed.
    """

    name: str
    counts: Indexed = field(default_factory=Indexed)
    skipped: list[str] = field(default_factory=list)
    urls: set[str] = field(default_factory=set)
    complete: bool = True
    seconds: float = 0.0
    error: str = ""

    @property
    def documents(self) -> int:
        """How many the source has."""
        return self.counts.added + self.counts.changed + self.counts.unchanged


@dataclass(frozen=True)
class Run:
    """Brings the index up to date. Only one may run at a time: see `States.alone`.

    `links` has the names of the sources whose addresses are looked at.
    """

    store: Store
    embedder: Embedder
    cache: VectorCache
    states: States
    links: Links
    with_links: frozenset[str]

    def __call__(
        self,
        readers: Mapping[str, Reader],
        progress: Callable[[str], Progress],
        *,
        remove_many: bool = False,
        publish: bool = False,
    ) -> list[Outcome]:
        """Index those sources, `progress` being told of each by its name; one that fails does not stop the others.

        `publish` if these are all sources: an index made beside the one in use takes its place, if all went well.
        psycopg's errors pass: without our database nothing can go on. An interruption leaves what is done in place.
        """
        outcomes = [Outcome(name) for name in readers]
        for outcome in outcomes:
            with _counted(outcome):
                self._text(outcome, readers[outcome.name], progress(outcome.name), remove_many=remove_many)
        for outcome in outcomes:  # those that failed too: some of their text may be in
            with _counted(outcome):
                made = index_vectors(outcome.name, self.store, self.embedder, self.cache, progress(outcome.name))
                outcome.counts = replace(outcome.counts, embedded=made)
        self._finish(outcomes)
        for outcome in outcomes:
            self._keep(outcome)
        if publish and not any(outcome.error for outcome in outcomes):
            self.store.publish()
        return outcomes

    def forget(self, name: str) -> int:
        """Take all documents of a corpus out of the index; how many there were."""
        ids: Sequence[str] = list(self.store.digests(name))
        if ids:
            self.store.update([], ids)
            self.store.finish()
        self.states.forget(name)
        return len(ids)

    def _text(self, outcome: Outcome, read: Reader, progress: Progress, *, remove_many: bool) -> None:
        def documents() -> Iterator[Document]:
            for document in read(outcome.skipped):
                outcome.urls.add(document.url)
                yield document

        before = self.states.all().get(outcome.name)

        def complete() -> bool:
            outcome.complete = not outcome.skipped or (before is not None and before.is_used_to(outcome.skipped))
            return outcome.complete

        outcome.counts = index_text(
            outcome.name,
            documents(),
            self.store,
            self.embedder,
            self.cache,
            progress,
            complete=complete,
            may_remove=1.0 if remove_many else 0.2,
        )

    def _finish(self, outcomes: Sequence[Outcome]) -> None:
        if any(outcome.counts != Indexed(unchanged=outcome.counts.unchanged) for outcome in outcomes):
            try:
                self.store.finish()
            except GreffierError as error:  # a store that is away has failed each source already
                log.warning("the index could not be made faster to search: %s", error)

    def _keep(self, outcome: Outcome) -> None:
        if outcome.error:
            self.states.failed(outcome.name, outcome.error)
            return
        self.states.indexed(outcome.name, documents=outcome.documents, skipped=outcome.skipped)
        self.links.keep(outcome.name, outcome.urls if outcome.name in self.with_links else ())


@contextmanager
def _counted(outcome: Outcome) -> Iterator[None]:
    """Around a part of the work on a source: its time, and why it failed."""
    began = time.monotonic()
    try:
        yield
    except psycopg.Error:
        raise
    except GreffierError as error:
        outcome.error = outcome.error or str(error)
    except Exception as error:  # one source's surprise must not cost the others their turn
        log.exception("%s: an error in Greffier", outcome.name)
        outcome.error = outcome.error or f"{type(error).__name__} in Greffier, see the log"
    finally:
        outcome.seconds += time.monotonic() - began
