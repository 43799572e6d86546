"""Simpler searches over an index, to hold that of the drafts against. They stay as they are when that one changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from langchain_core.embeddings import Embeddings

from chains.analyser import stems
from chains.evaluation import Ranked, of_drafts
from chains.retrieval import HybridRetriever
from chains.stores.store import Hit, Scope, Store

PASSAGES, DOCUMENTS = 400, 100
"""How much of each list is read."""
TITLE, WHOLE, VECTORS = 0.6, 0.5, 0.4
"""The weights of the floor."""
FLOOR, OURS = "the floor", "Greffier"


def searches(store: Store, embeddings: Embeddings) -> dict[str, Ranked]:
    """The searches by their names; the floor is what the others are compared with."""

    def passages(question: str) -> list[tuple[str, float]]:
        return _ranked(_best(store.search(Scope.PASSAGES, stems(question), PASSAGES)))

    def nearest(question: str) -> list[tuple[str, float]]:
        return _ranked(_best(store.nearest(embeddings.embed_query(question), PASSAGES)))

    def floor(question: str) -> list[tuple[str, float]]:
        words = _best(store.search(Scope.PASSAGES, stems(question), PASSAGES))
        for scope, weight in ((Scope.TITLES, TITLE), (Scope.DOCUMENTS, WHOLE)):
            for hit in store.search(scope, stems(question), PASSAGES):
                words[hit.document] = words.get(hit.document, 0.0) + weight * hit.score
        by_words, by_vectors = _relative(words), _relative(dict(nearest(question)))
        both = by_words.keys() | by_vectors.keys()
        return _ranked({d: VECTORS * by_vectors.get(d, 0) + (1 - VECTORS) * by_words.get(d, 0) for d in both})

    ours = HybridRetriever(store=store, embeddings=embeddings)
    return {"BM25, passages": passages, "nearest vectors": nearest, FLOOR: floor, OURS: of_drafts(ours)}


def _best(hits: Iterable[Hit]) -> dict[str, float]:
    scores: dict[str, float] = {}
    for hit in hits:
        scores[hit.document] = max(hit.score, scores.get(hit.document, hit.score))
    return scores


def _relative(scores: Mapping[str, float]) -> dict[str, float]:
    first = _ranked(scores)[:DOCUMENTS]
    if not first:
        return {}
    top, bottom = first[0][1], first[-1][1]
    return {id: (score - bottom) / (top - bottom) if top > bottom else 1.0 for id, score in first}


def _ranked(scores: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))
