"""Which sheets an agent is warned of: those not updated for long, and those whose page is gone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from chains.draft import Passage


def _none(urls: Collection[str]) -> frozenset[str]:
    return frozenset()


@dataclass(frozen=True)
class Freshness:
    """`max_age_days` is how old a corpus's sheets may be, by its name; `gone` picks the addresses that are gone."""

    max_age_days: Mapping[str, int] = field(default_factory=dict)
    gone: Callable[[Collection[str]], frozenset[str]] = _none

    def too_old(self, sheet: Passage) -> int | None:
        """The limit in days that a sheet has exceeded, None if it has not; one without a date is never too old."""
        limit = self.max_age_days.get(sheet.corpus)
        if limit is None or sheet.date is None:
            return None
        return limit if (datetime.now(UTC).date() - sheet.date).days > limit else None
