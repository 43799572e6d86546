"""A run over sources: the text of each, so that it can be searched, then the vectors of each."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import psycopg

from chains.corpora.document import Document
from chains.embedding import Ahead, Embedder, VectorCache
from chains.hints import Hinter
from chains.indexing import Indexed, Progress, index_text, index_vectors
from chains.stores.store import Store
from connector.errors import ConfigurationError, GreffierError
from webhooks.index.links import Links
from webhooks.index.outcome import Outcome
from webhooks.index.state import States

log = logging.getLogger("greffier.index")

MAY_REMOVE = 0.2
"""The share of a source that may go at once without being asked for."""
Reader = Callable[[list[str], list[str]], Iterator[Document]]
"""Gives the documents of a source. The first list is told of what cannot be read, the second of what is never read."""


@dataclass(frozen=True, slots=True)
class _Work:
    """What is to be done with a source: it is read, and so much of it may go."""

    outcome: Outcome
    read: Reader
    progress: Progress
    may_remove: float
    ahead: Ahead


@dataclass(frozen=True)
class Run:
    """Brings the index up to date. Only one may run at a time: see `States.alone`.

    `with_links` has the names of the sources whose addresses are looked at; `hinter` has a model write questions for
    documents, which are then searched beside them.
    """

    store: Store
    embedder: Embedder
    cache: VectorCache
    states: States
    links: Links
    with_links: frozenset[str] = frozenset()
    hinter: Hinter | None = None

    def __call__(
        self,
        readers: Mapping[str, Reader],
        progress: Callable[[str], Progress] = lambda name: lambda what, done, total: None,
        *,
        remove_many: bool = False,
        publish: bool = False,
    ) -> list[Outcome]:
        """Index those sources, `progress` being told of each by its name; one that fails does not stop the others.

        `publish` if these are all sources: an index made beside the one in use takes its place, if nothing failed and,
        unless `remove_many`, each source could be read as a whole and has about as many documents as before.
        psycopg's errors pass: without our database nothing can go on. An interruption leaves what is done in place.
        """
        with Ahead(self.embedder, self.cache) as ahead:
            works = [
                _Work(Outcome(name), read, progress(name), 1.0 if remove_many else MAY_REMOVE, ahead)
                for name, read in readers.items()
            ]
            for step in (self._text, self._vectors, *([self._questions] if self.hinter else [])):
                for work in works:  # one that has failed has text all the same, which wants its vectors
                    with _counted(work.outcome):
                        step(work)
        outcomes = [work.outcome for work in works]
        self._finish()
        new = self.waits()
        for work in works:
            self._keep(work, new=new)
        if (
            publish
            and not any(outcome.error for outcome in outcomes)
            and (remove_many or all(outcome.complete for outcome in outcomes))
        ):
            self.store.publish()
        return outcomes

    def waits(self) -> bool:
        """Whether searches do not find yet what was written, because it was made beside the index in use."""
        try:
            return self.store.unpublished()
        except GreffierError as error:  # a store that is away has failed each source already
            log.warning("whether a new index is in use could not be told: %s", error)
            return False

    def forget(self, name: str) -> int:
        """Take all documents of a corpus out of the index; how many there were."""
        ids: Sequence[str] = list(self.store.digests(name))
        if ids:
            self.store.update([], ids)
            self.store.finish()
        self.states.forget(name)
        return len(ids)

    def _text(self, work: _Work) -> None:
        outcome = work.outcome
        outcome.skipped.clear()
        outcome.notes.clear()
        before = self.states.all().get(outcome.name)

        def documents() -> Iterator[Document]:
            for document in work.read(outcome.skipped, outcome.notes):
                outcome.urls.add(document.url)
                yield document

        def complete() -> bool:
            outcome.complete = not outcome.skipped or (before is not None and before.is_used_to(outcome.skipped))
            return outcome.complete

        def counted(counts: Indexed) -> None:
            outcome.counts = counts

        outcome.counts = index_text(
            outcome.name,
            self.hinter.known(documents()) if self.hinter else documents(),
            self.store,
            work.ahead,
            work.progress,
            complete=complete,
            may_remove=work.may_remove,
            counted=counted,
        )

    def _vectors(self, work: _Work) -> None:
        made = index_vectors(work.outcome.name, self.store, work.ahead, work.progress)
        work.outcome.counts = replace(work.outcome.counts, embedded=work.outcome.counts.embedded + made)

    def _questions(self, work: _Work) -> None:
        """Have the questions written that are missing, then index again: the text was not kept waiting for them."""
        assert self.hinter is not None  # noqa: S101 - or this is no step
        done = work.outcome.counts
        if (
            not work.outcome.error
            and self.hinter.make(work.read([], []), lambda written: work.progress("questions", written, 0)).made
        ):
            self._text(work)
            work.outcome.counts = done
            self._vectors(work)

    def _finish(self) -> None:
        try:
            self.store.statistics()
            self.store.finish()
        except ConfigurationError:  # nothing went in: there is no index, and none is to be made
            log.debug("there is no index to finish")
        except GreffierError as error:  # a store that is away has failed each source already
            log.warning("the index could not be made faster to search: %s", error)

    def _keep(self, work: _Work, *, new: bool) -> None:
        """Keep how it went. A `new` index knows nothing of what has gone: there the last good run does."""
        outcome, before = work.outcome, self.states.all().get(work.outcome.name)
        had = before.documents if before else 0
        if new and outcome.complete and not outcome.error and outcome.documents < (1 - work.may_remove) * had:
            outcome.error = (
                f"{outcome.name}: {outcome.documents} documents were read and {had} the last time."
                " If that is right, run greffier index with --remove-many"
            )
        if outcome.error:
            self.states.failed(outcome.name, outcome.error)
            return
        documents = outcome.documents if outcome.complete else max(outcome.documents, had)
        self.states.indexed(outcome.name, documents=documents, skipped=outcome.skipped)
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
