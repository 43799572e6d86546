"""A second opinion on a ranking: what it moves, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from chains.draft import Passage
from chains.lever import Lever
from chains.ranking import Ranker, relative
from connector.errors import RemoteError

RANKED = [("a#0", 1.0), ("b#0", 0.7), ("a#1", 0.5), ("c#0", 0.4), ("d#0", 0.2)]
PASSAGES = {id: Passage(id, id[0], id[0].upper(), (), f"Texte {id}", "https://a") for id, _ in RANKED}


def reordered(scores: dict[str, float], weight: float, first: int = 3) -> list[tuple[str, float]]:
    def opinion(asked: tuple[str, Sequence[Passage]], config: object) -> list[float]:
        assert asked[0] == "?"
        return [scores[passage.id] for passage in asked[1]]

    ranker = Ranker(Lever("rerank", opinion, budget=5, setting=""), first, weight)
    return ranker.reorder("?", RANKED, PASSAGES, None)


def test_relative_scores_go_from_one_to_zero_over_the_first_of_a_list() -> None:
    assert relative({"a": 8.0, "b": 6.0, "c": 4.0, "d": 1.0}, 3) == {"a": 1.0, "b": 0.5, "c": 0.0}


def test_a_list_of_equals_counts_in_full() -> None:
    assert relative({"a": 0.9, "b": 0.9}, 100) == {"a": 1.0, "b": 1.0}
    assert relative({}, 100) == {}


def test_alone_it_decides_and_what_it_has_not_seen_comes_after() -> None:
    moved = reordered({"a#0": -3.0, "b#0": 2.0, "c#0": 7.0}, 1.0)
    assert [id for id, _ in moved] == ["c#0", "b#0", "a#0", "d#0", "a#1"]
    assert dict(moved) == pytest.approx({"c#0": 1.0, "b#0": 0.6, "a#0": 0.2, "d#0": 0.2, "a#1": 0.1})


def test_where_it_sees_no_difference_the_order_stays() -> None:
    moved = reordered({"a#0": 0.5, "b#0": 0.5, "c#0": 0.5}, 0.8)
    assert [id for id, _ in moved] == ["a#0", "b#0", "c#0", "a#1", "d#0"]


def test_both_count_by_their_weight() -> None:
    moved = dict(reordered({"a#0": 0.0, "b#0": 1.0}, 0.5, first=2))
    assert moved["a#0"] == moved["b#0"] == pytest.approx(0.4 + 0.6 * 0.5)


def test_passages_that_have_gone_meanwhile_are_passed_over() -> None:
    ranker = Ranker(Lever("rerank", lambda asked, config: [1.0, 2.0], budget=5, setting=""), 2, 1.0)
    left = {id: passage for id, passage in PASSAGES.items() if id != "a#0"}
    moved = ranker.reorder("?", RANKED, left, None)
    assert {id for id, _ in moved} == {id for id, _ in RANKED}


def test_without_an_opinion_the_ranking_stays_as_it_is() -> None:
    def broken(asked: object, config: object) -> Sequence[float]:
        raise RemoteError("away", permanent=False)

    ranker = Ranker(Lever("rerank", broken, budget=5, setting=""), 3, 1.0)
    assert ranker.reorder("?", RANKED, PASSAGES, None) == RANKED
    assert ranker.reorder("?", RANKED[:1], PASSAGES, None) == RANKED[:1]
