"""Measures of questions, joined sources, intervals and differences."""

from __future__ import annotations

import numpy as np
import pytest

from chains.measures import Interval, differences, groups, interval, score, summary


def test_sources_that_begin_alike_are_joined_beside_themselves() -> None:
    assert groups(["cdtn-a", "spf-2018", "cdtn-b", "cdtn-a", "alone"]) == {
        "cdtn-a": [0, 3],
        "spf-2018": [1],
        "cdtn-b": [2],
        "alone": [4],
        "cdtn": [0, 2, 3],
        "all": [0, 1, 2, 3, 4],
    }


def test_a_source_that_is_named_as_the_joined_ones_is_part_of_them() -> None:
    assert groups(["cdtn", "cdtn-b"])["cdtn"] == [0, 1]


def test_a_question_for_which_nothing_was_found_counts_as_missed() -> None:
    scores = score([["a"], ["a"]], [[], ["b", "a"]])
    assert list(scores["r@3"]) == [0, 1]
    assert list(scores["ndcg@10"]) == pytest.approx([0, 0.63093])


def test_the_order_of_what_was_found_counts_beyond_ten_places() -> None:
    scores = score([["k"]], [list("abcdefghijk")])
    assert scores["r@10"][0] == 0
    assert scores["mrr@10"][0] == 0


def test_an_interval_holds_the_mean_and_is_the_same_each_time() -> None:
    values = np.array([0.0, 1.0] * 100)
    found = interval(values)
    assert found == interval(values)
    assert found.mean == 0.5
    assert found.low == pytest.approx(0.43, abs=0.01)  # 1.96 standard errors of 0.035
    assert found.high == pytest.approx(0.57, abs=0.01)


def test_an_interval_of_equals_has_no_width() -> None:
    assert interval(np.array([0.3, 0.3])) == Interval(pytest.approx(0.3), pytest.approx(0.3), pytest.approx(0.3))


def test_a_difference_is_taken_question_by_question() -> None:
    ours, theirs = score([["a"]] * 4, [["a"]] * 3 + [["b"]]), score([["a"]] * 4, [["b", "a"], ["b"], ["a"], ["a"]])
    found = differences(ours, theirs, {"all": range(4)})["all"]
    assert (found["s@5"].better, found["s@5"].worse) == (1, 1)
    assert found["s@5"].difference.mean == 0
    assert (found["ndcg@10"].better, found["ndcg@10"].worse) == (2, 1)
    assert found["ndcg@10"].difference.mean == pytest.approx((0.36907 + 1 - 1) / 4, abs=1e-5)


def test_equal_runs_differ_by_nothing() -> None:
    scores = score([["a"], ["b"]], [["a"], ["a", "b"]])
    found = differences(scores, scores, {"all": range(2)})["all"]["ndcg@10"]
    assert (found.difference, found.better, found.worse) == (Interval(0, 0, 0), 0, 0)


def test_each_group_has_every_measure() -> None:
    figures = summary(score([["a"], ["b"]], [["a"], ["a"]]), groups(["x-1", "x-2"]))
    assert set(figures) == {"x-1", "x-2", "x", "all"}
    assert {len(measures) for measures in figures.values()} == {9}
