"""What a run did with a source, and how people are told."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from chains.indexing import Indexed

SHOWN = 10
"""Of what was skipped, and of what is never read, so many are named."""


@dataclass
class Outcome:
    """What a run did with a source. `error` says why it failed, `seconds` how long it took.

    It is not `complete` where something could not be read that could be before: then nothing was removed. `notes` is
    what stays out whenever the source is read, such as the end of a very long file: that keeps nothing from being
    removed.
    """

    name: str
    counts: Indexed = field(default_factory=Indexed)
    skipped: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    urls: set[str] = field(default_factory=set)
    complete: bool = True
    seconds: float = 0.0
    error: str = ""

    @property
    def documents(self) -> int:
        """How many the source has."""
        return self.counts.added + self.counts.changed + self.counts.unchanged


def why_it_waits(outcomes: Sequence[Outcome], sources: Collection[str]) -> str:
    """Why an index that was made beside the one in use did not take its place."""
    failed = [outcome.name for outcome in outcomes if outcome.error]
    unread = [outcome.name for outcome in outcomes if not outcome.complete]
    if failed:
        why = f"failed: {', '.join(failed)}"
    elif len(outcomes) < len(sources):
        why = "it is once a run over all sources goes well"
    else:
        why = f"not all could be read of {', '.join(unread)}. If that is right, run it again with --remove-many"
    return f"the new index is not in use yet: {why}"


def summary(outcome: Outcome) -> Iterator[str]:
    """What a run did with a source, for people."""
    if outcome.error:
        yield f"{outcome.name}: FAILED: {outcome.error}"
    done, skipped = outcome.counts, outcome.skipped
    if outcome.documents or not outcome.error:
        yield (
            f"{outcome.name}: {done.added} added, {done.changed} changed, {done.unchanged} unchanged,"
            f" {done.removed} removed, {len(skipped) + len(outcome.notes)} skipped; {done.embedded} passages embedded;"
            f" {outcome.seconds:.0f} s"
        )
    if skipped:
        kept = "" if outcome.complete else "; nothing was removed, in case they can be read tomorrow"
        yield f"  skipped, the log says why{kept}:"
        yield from _some(skipped)
    if outcome.notes:
        yield "  skipped or cut, now and in every run:"
        yield from _some(outcome.notes)


def _some(told: Sequence[str]) -> Iterator[str]:
    yield from (f"    {one}" for one in told[:SHOWN])
    if len(told) > SHOWN:
        yield f"    and {len(told) - SHOWN} more"
