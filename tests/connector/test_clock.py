from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connector.clock import LIMIT, finding
from connector.ticket import Level
from webhooks.sweep import OVERLAP


def test_the_limit_is_the_overlap_of_the_sweep() -> None:
    assert timedelta(seconds=LIMIT) == OVERLAP


@pytest.mark.parametrize("at", [0, 45, 90])
def test_a_slow_answer_is_no_wrong_clock(at: float) -> None:
    """Asked ninety seconds ago, and read at any moment since."""
    asked_at = datetime.now(UTC) - timedelta(seconds=90)
    assert finding("clock", asked_at + timedelta(seconds=at), asked_at).level is Level.OK


def test_a_wrong_clock_is_told_with_its_side() -> None:
    now = datetime.now(UTC)
    assert "behind ours" in finding("clock", now - timedelta(seconds=100), now).message
    assert "ahead of ours" in finding("clock", now + timedelta(seconds=100), now).message
