"""A question to ranked passages: lexical lists and vectors of a store, fused here, once for every store.

The weights were chosen on real questions of citizens to service-public.fr and hold for both stores: a title, a whole
sheet and what others say of it tell what a passage alone does not, and vectors add to good lexical search but must not
outweigh it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import NamedTuple

from langchain_core.callbacks import BaseCallbackManager, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever

from chains.analyser import stems
from chains.corpora.document import searchable
from chains.draft import Passage
from chains.lever import Lever
from chains.profile import MIN_COSINE
from chains.query import Search
from chains.ranking import Ranker, best_first, relative
from chains.stores.store import SHARED, Hit, Scope, Store, Within
from connector.errors import ConfigurationError

WEIGHTS = {Scope.PASSAGES: 0.5, Scope.DOCUMENTS: 0.65, Scope.TITLES: 0.6, Scope.MENTIONS: 0.7}
"""What BM25 on the best passage, on the whole document, on its title and on what is said of it elsewhere count."""
ALPHA = 0.4
"""The share of the vectors in the fused score; the lexical search has the rest."""
FUSED = 100
"""How many documents of each side are fused."""
CANDIDATES = 400
"""How many passages each search gives: enough for that many documents."""
DOCUMENTS = 200
"""How many documents each search over documents gives: those after it are seldom among the first of all lists."""
MAX_QUERY = 2000
"""In characters: what an embedder of 512 tokens can read of a question."""

BESIDE = 8
"""Searches of a store that run beside each other, for all drafts of a process together."""
_BESIDE = ThreadPoolExecutor(BESIDE, "search")

DOUBT = 0.015
"""Up to that far above `MIN_COSINE`, the words must agree too."""
MIN_COVERAGE = 0.3
"""The share of the question's words, weighed by their rarity, that the best document must have where there is doubt.

On 152 real questions of citizens and 40 written mails that sheets answer, and 33 messages that none does (over all
3,371 sheets): 1 in 20 abstains wrongly, 3 in 4 of those out of scope are caught. What passes is left to the checks.
"""


class HybridRetriever(BaseRetriever):
    """The passages that answer a question best, best first.

    Each Document has in its metadata the `passage`, the fused `score` (0 to 1, comparable within one answer only) and
    the evidence for the whole answer, the same in each: see `too_weak`. A question that is not in French is given with
    its language (`retriever.invoke(question, config, language="en")`) and is searched by vectors alone, because the
    stems of another language meet French ones by accident only. `also` is searched for beside the question, such as
    each of several questions apart: the best of each comes first. The evidence is that of the question itself. Only
    what is `within` is found.
    """

    store: Store
    embeddings: Embeddings
    limit: int = 6
    """How many passages are given."""
    per_document: int = 2
    """How many of them may come from one document."""
    rewrite: Lever[str, str] | None = None
    """Gives another wording of a question, in French, which is searched for beside it."""
    rewrite_weight: float = 0.5
    """What that search weighs; the one for the question itself has the rest."""
    rankers: tuple[Ranker, ...] = ()
    """Each has a say in the order, one after the other."""

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
        language: str = "fr",
        also: Sequence[Search] = (),
        within: Within = SHARED,
    ) -> list[Document]:
        callbacks = run_manager.get_child()
        asked = _asked(Search(query, language))
        rarities = _BESIDE.submit(self.store.rarities, asked, within)
        whole, *parts = self._found((Search(query, language), *also), within, callbacks)
        ranked = self._reordered(query, merge([whole.ranked, *(part.ranked for part in parts)]), within, callbacks)
        found = self._read(ranked, within)
        if not whole.cosine:
            self._require_vectors()
        evidence = {
            "coverage": coverage(rarities.result(), [passage for passage, _ in found]),
            "cosine": whole.cosine,
        }
        return [
            Document(page_content=passage.text, id=passage.id, metadata={"passage": passage, "score": score} | evidence)
            for passage, score in found
        ]

    def _require_vectors(self) -> None:
        """In an index that is still empty nothing is near, which says nothing of the question: it waits."""
        if not self.store.statistics().vectors:
            raise ConfigurationError("the index holds no vectors yet: run greffier index")

    def ranked(self, searches: Iterable[Search], within: Within = SHARED) -> list[tuple[str, float]]:
        """All documents that these searches of a draft find, by id, with their scores, best first."""
        searches = list(searches)
        found = self._found(searches, within, None)
        documents = dict(merge([one.documents for one in found]))
        if self.rankers:
            passages = self._reordered(searches[0].text, merge([one.ranked for one in found]), within, None)
            owners = self.store.passages([id for id, _ in passages[:CANDIDATES]], within)
            moved = [(owners[id].document, score) for id, score in passages if id in owners]
            documents |= dict(reversed(moved))  # of each document the first
        return best_first(documents)

    def _found(self, searches: Sequence[Search], within: Within, callbacks: BaseCallbackManager | None) -> list[_Found]:
        """What each search gives; the first of them is searched for in other words too."""
        text = searches[0].text[:MAX_QUERY]
        reworded = self.rewrite(text, callbacks) if self.rewrite else None
        return [
            self._search(searches[0], within, reworded or ""),
            *(self._search(search, within) for search in searches[1:]),
        ]

    def _search(self, search: Search, within: Within, reworded: str = "") -> _Found:
        text = search.text[:MAX_QUERY]
        lists = itself = self._lists(text, _asked(search), within)
        if reworded:
            lists = both(itself, self._lists(reworded, stems(reworded), within), self.rewrite_weight)
        passages = [(id, search.weight * score) for id, score in rank(*lists, self.per_document)]
        documents = [(id, search.weight * score) for id, score in lists.documents.items()]
        return _Found(passages, documents, max((hit.score for hit in itself.near), default=0.0))

    def _lists(self, text: str, asked: Sequence[str], within: Within) -> _Lists:
        """The lexical searches run beside each other, and beside the embedding of the question."""
        search = partial(self.store.search, stems=asked, within=within)
        limits = {scope: CANDIDATES if scope is Scope.PASSAGES else DOCUMENTS for scope in WEIGHTS if asked}
        running = {scope: _BESIDE.submit(search, scope, limit=limit) for scope, limit in limits.items()}
        vector = self.embeddings.embed_query(text)
        near = self.store.nearest(vector, CANDIDATES, within)
        by_vectors = self._vectors(vector, near, within)
        found = {scope: future.result() for scope, future in running.items()}
        return _Lists(fuse(lexical(found), by_vectors, FUSED), found.get(Scope.PASSAGES, []), near)

    def _reordered(
        self,
        query: str,
        ranked: list[tuple[str, float]],
        within: Within,
        callbacks: BaseCallbackManager | None,
    ) -> list[tuple[str, float]]:
        for ranker in self.rankers:
            passages = self.store.passages([id for id, _ in ranked[: ranker.first * self.per_document]], within)
            ranked = ranker.reorder(query[:MAX_QUERY], ranked, passages, callbacks)
        return ranked

    def _read(self, ranked: Sequence[tuple[str, float]], within: Within) -> list[tuple[Passage, float]]:
        """The first passages, each text once: a sheet for two audiences is often the same for both."""
        ranked = ranked[: 4 * self.limit]  # several searches find other passages of the same documents
        passages = self.store.passages([id for id, _ in ranked], within)
        texts: dict[str, tuple[Passage, float]] = {}
        of: Counter[str] = Counter()
        for id, score in ranked:
            passage = passages.get(id)  # it may have gone since it was found
            if passage and searchable(passage) not in texts and of[passage.document] < self.per_document:
                texts[searchable(passage)] = passage, score
                of[passage.document] += 1
        return list(texts.values())[: self.limit]

    def _vectors(self, vector: Sequence[float], near: Iterable[Hit], within: Within) -> dict[str, float]:
        """How near each document is: its best passage, and all of it."""
        nearest = best(near)
        middles = self.store.middles(vector, list(nearest), within)
        return {id: score + middles.get(id, score) for id, score in nearest.items()}


class _Lists(NamedTuple):
    """The fused score of each document, and the passages of each side."""

    documents: Mapping[str, float]
    words: Sequence[Hit]
    near: Sequence[Hit]


class _Found(NamedTuple):
    """What one search gave: passages and documents with their scores, and the nearest cosine."""

    ranked: list[tuple[str, float]]
    documents: list[tuple[str, float]]
    cosine: float


def merge(rankings: Sequence[Sequence[tuple[str, float]]]) -> list[tuple[str, float]]:
    """Several rankings as one, in which each passage has the best score that any of them gives it."""
    scores: dict[str, float] = {}
    for id, score in chain.from_iterable(rankings):
        scores[id] = max(score, scores.get(id, score))
    return best_first(scores)


def too_weak(documents: Sequence[Document], *, min_cosine: float = MIN_COSINE) -> bool:
    """Whether what a retriever found is too far from the question to draft from it."""
    if not documents:
        return True
    cosine, coverage = documents[0].metadata["cosine"], documents[0].metadata["coverage"]
    if coverage is None or coverage >= MIN_COVERAGE:
        return bool(cosine < min_cosine)
    return bool(cosine < min_cosine + DOUBT)


def coverage(rarities: Mapping[str, float], passages: Sequence[Passage]) -> float | None:
    """The share of what the question says that the best document says too; None where no word was searched."""
    if not rarities or not passages:
        return None
    said = {stem for p in passages if p.document == passages[0].document for stem in stems(searchable(p))}
    total = sum(rarities.values())
    return sum(rarity for stem, rarity in rarities.items() if stem in said) / total if total else 0.0


def _asked(search: Search) -> list[str]:
    """The stems that are searched for: none in another language."""
    return stems(search.text[:MAX_QUERY]) if search.language == "fr" else []


def lexical(found: Mapping[Scope, Sequence[Hit]]) -> dict[str, float]:
    """The BM25 score of each document: its best passage, and the document by each of its sides."""
    scores: dict[str, float] = {}
    for scope, hits in found.items():
        for id, score in best(hits).items():
            scores[id] = scores.get(id, 0.0) + WEIGHTS[scope] * score
    return scores


def best(hits: Iterable[Hit]) -> dict[str, float]:
    """Each document with the score of its best passage."""
    scores: dict[str, float] = {}
    for hit in hits:
        scores[hit.document] = max(hit.score, scores.get(hit.document, hit.score))
    return scores


def fuse(lexical: Mapping[str, float], vectors: Mapping[str, float], first: int) -> dict[str, float]:
    """Relative score fusion of the first of each side. One side alone has all the weight."""
    if not lexical or not vectors:
        return relative(lexical or vectors, first)
    by_words, by_vectors = relative(lexical, first), relative(vectors, first)
    return {id: ALPHA * by_vectors.get(id, 0.0) + (1 - ALPHA) * by_words.get(id, 0.0) for id in by_words | by_vectors}


def both(one: _Lists, other: _Lists, weight: float) -> _Lists:
    """Two searches as one, in which the other has that weight."""
    documents = {
        id: (1 - weight) * one.documents.get(id, 0.0) + weight * other.documents.get(id, 0.0)
        for id in {**one.documents, **other.documents}
    }
    return _Lists(documents, _together(one.words, other.words), _together(one.near, other.near))


def _together(*lists: Sequence[Hit]) -> list[Hit]:
    """Hits of several searches, whose scores cannot be compared as they are."""
    documents = {hit.id: hit.document for hits in lists for hit in hits}
    scores = dict.fromkeys(documents, 0.0)
    for hits in lists:
        for id, score in relative({hit.id: hit.score for hit in hits}, CANDIDATES).items():
            scores[id] += score
    return [Hit(id, documents[id], score) for id, score in scores.items()]


def rank(
    documents: Mapping[str, float], words: Sequence[Hit], near: Sequence[Hit], per_document: int
) -> list[tuple[str, float]]:
    """Passages with their scores, best first; the best one of a document has the document's score, the others less.

    A document that no passage of was found, but its title or what is said of it, has its first one: the summary.
    """
    fused = fuse({hit.id: hit.score for hit in words}, {hit.id: hit.score for hit in near}, 2 * CANDIDATES)
    owner = {hit.id: hit.document for hit in (*words, *near)}
    within: dict[str, list[tuple[float, str]]] = {}
    for id, score in fused.items():
        within.setdefault(owner[id], []).append((score, id))
    ranked = []
    for document, score in documents.items():
        own_passages = within.get(document, [(1.0, f"{document}#0")])
        passages = sorted(own_passages, key=lambda item: (-item[0], item[1]))[:per_document]
        ranked += [(id, score * own / passages[0][0] if passages[0][0] else score) for own, id in passages]
    return best_first(dict(ranked))
