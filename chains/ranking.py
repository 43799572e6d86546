"""A second opinion on what a search has found, from a model that reads the question and the texts together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from langchain_core.callbacks import BaseCallbackManager

from chains.draft import Passage
from chains.lever import Lever

Asked = tuple[str, Sequence[Passage]]
"""A question, and the best passage of each of some documents."""


class Ranker(NamedTuple):
    """Who gives a score to each of the `first` documents, from the best passage of each.

    `weight`, from 0 to 1, is what these scores weigh beside those of the search.
    """

    opinion: Lever[Asked, Sequence[float]]
    first: int
    weight: float

    def reorder(
        self,
        query: str,
        ranked: Sequence[tuple[str, float]],
        passages: Mapping[str, Passage],
        callbacks: BaseCallbackManager | None,
    ) -> list[tuple[str, float]]:
        """A ranking of passages in the order of both. It stays as it is where there is no second opinion.

        `passages` are the first of the ranking by id; the best passage of each document stands first in it.
        """
        best: dict[str, tuple[Passage, float]] = {}
        for id, score in ranked:
            if id in passages and len(best) < self.first:
                best.setdefault(passages[id].document, (passages[id], score))
        shown = [passage for passage, _ in best.values()]
        scores = self.opinion((query, shown), callbacks) if len(shown) > 1 else None
        if scores is None:
            return list(ranked)
        before = {document: score for document, (_, score) in best.items()}
        after = mixed(before, dict(zip(best, scores, strict=True)), self.weight)
        others = [score for id, score in ranked if id not in passages or passages[id].document not in best]
        floor = max(others, default=0.0)
        moved = []
        for id, score in ranked:
            document = passages[id].document if id in passages else ""
            if document in best:
                share = score / before[document] if before[document] else 1.0
                score = share * (floor + (1 - floor) * after[document])
            moved.append((id, score))
        return best_first(dict(moved))


def mixed(before: Mapping[str, float], opinion: Mapping[str, float], weight: float) -> dict[str, float]:
    """Relative score fusion of the scores of the same documents."""
    before, opinion = relative(before, len(before)), relative(opinion, len(opinion))
    return {id: (1 - weight) * before[id] + weight * opinion[id] for id in before}


def relative(scores: Mapping[str, float], first: int) -> dict[str, float]:
    """The `first` best of a list, from 1 for the best of them down to 0 for the last."""
    ranked = best_first(scores)[:first]
    if not ranked:
        return {}
    top, bottom = ranked[0][1], ranked[-1][1]
    return {id: (score - bottom) / (top - bottom) if top > bottom else 1.0 for id, score in ranked}


def best_first(scores: Mapping[str, float]) -> list[tuple[str, float]]:
    """What has a score, the highest first, equals by name."""
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))
