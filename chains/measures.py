"""The figures of a retrieval run, by source: ranx's measures of each question, their means and bootstrap intervals.

Needs the `eval` extra. ranx compiles its measures when they are first called on a machine: half a minute, once.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

with warnings.catch_warnings(action="ignore"):
    import ranx

Values = NDArray[np.float64]

MEASURES = {
    "r@1": "recall@1",
    "r@3": "recall@3",
    "r@5": "recall@5",
    "r@10": "recall@10",
    "mrr@10": "mrr@10",
    "ndcg@10": "ndcg@10",
    "s@1": "hit_rate@1",
    "s@3": "hit_rate@3",
    "s@5": "hit_rate@5",
}
"""What is measured, by our name and ranx's.

R@k is the share of the right documents that are among the first k, S@k the share of questions with one of them there.
"""
COMPARED = ("ndcg@10", "s@5")
DRAWS, SEED = 2000, 20201
"""How many samples of the questions, drawn with replacement, an interval of 95 % is made from."""
ALL = "all"


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over questions, with the bounds between which it lies in 95 % of the samples."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """How far a measure's mean is above another run's on the same questions, and on how many it is better or worse."""

    difference: Interval
    better: int
    worse: int


def score(relevant: Sequence[Iterable[str]], found: Sequence[Sequence[str]]) -> dict[str, Values]:
    """Each measure for each question: its right documents, and what was found, best first."""
    numbers = [f"{number:06}" for number in range(len(relevant))]
    right = {number: dict.fromkeys(names, 1) for number, names in zip(numbers, relevant, strict=True)}
    places = {
        # where nothing was found, something that is not right: ranx wants an entry
        number: {name: 1 / place for place, name in enumerate(names or [""], 1)}
        for number, names in zip(numbers, found, strict=True)
    }
    with warnings.catch_warnings(action="ignore"):  # numba's, about ranx's own types
        scores = ranx.evaluate(ranx.Qrels(right), ranx.Run(places), list(MEASURES.values()), return_mean=False)
    return {ours: np.asarray(scores[theirs], dtype=np.float64) for ours, theirs in MEASURES.items()}


def groups(sources: Sequence[str]) -> dict[str, list[int]]:
    """The places of each source's questions, then of the sources joined, then of all.

    Sources that share what stands before their first hyphen are joined under that.
    """
    by_source: dict[str, list[int]] = defaultdict(list)
    for place, source in enumerate(sources):
        by_source[source].append(place)
    joined: dict[str, list[str]] = defaultdict(list)
    for source in by_source:
        joined[source.partition("-")[0]].append(source)
    together = {
        first: sorted(place for source in members for place in by_source[source])
        for first, members in joined.items()
        if len(members) > 1
    }
    return by_source | together | {ALL: list(range(len(sources)))}


def summary(scores: Mapping[str, Values], of: Mapping[str, Sequence[int]]) -> dict[str, dict[str, Interval]]:
    """Each measure of each group."""
    return {
        group: {measure: interval(values[list(places)]) for measure, values in scores.items()}
        for group, places in of.items()
    }


def differences(
    ours: Mapping[str, Values], theirs: Mapping[str, Values], of: Mapping[str, Sequence[int]]
) -> dict[str, dict[str, Difference]]:
    """How much better ours is than theirs, by group, question by question."""
    return {
        group: {
            measure: _difference(ours[measure][list(places)], theirs[measure][list(places)]) for measure in COMPARED
        }
        for group, places in of.items()
    }


def interval(values: Values) -> Interval:
    """The mean, and its interval by bootstrap; the same values always give the same."""
    drawn = np.random.default_rng(SEED).integers(0, len(values), (DRAWS, len(values)))
    low, high = np.percentile(values[drawn].mean(axis=1), [2.5, 97.5])
    return Interval(float(values.mean()), float(low), float(high))


def _difference(ours: Values, theirs: Values) -> Difference:
    by_question = ours - theirs
    better, worse = ((sign * by_question > 1e-9).sum() for sign in (1, -1))
    return Difference(interval(by_question), int(better), int(worse))
