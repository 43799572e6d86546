"""What `greffier eval retrieval` says of a run: tables for a reader, one object for a program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from chains.evaluation import Labelled, Run
from chains.measures import COMPARED, MEASURES, Difference, Interval, Values, differences, groups, score, summary
from connector.errors import ConfigurationError

NAMES = {measure: measure.upper().replace("NDCG", "nDCG") for measure in MEASURES}


class Report:
    """A run over labelled questions, in figures."""

    def __init__(self, questions: Sequence[Labelled], run: Run) -> None:
        self._questions, self.run = questions, run
        self.groups = groups([question.source for question in questions])
        """The places of each source's questions, of the joined sources' and of all."""

    @cached_property
    def scores(self) -> dict[str, Values]:
        """Each measure for each question."""
        return score([q.relevant for q in self._questions], [self.run.found[q.key] for q in self._questions])

    @cached_property
    def figures(self) -> dict[str, dict[str, Interval]]:
        """Each measure for each source, for the joined ones and for all."""
        return summary(self.scores, self.groups)

    def against(self, other: Run) -> Comparison:
        """This run beside another one, over the questions that are in both. Raises ConfigurationError if none is."""
        both = [place for place, question in enumerate(self._questions) if question.key in other.found]
        if not both:
            raise ConfigurationError("the two runs have no question in common: compare runs over the same file")
        questions = [self._questions[place] for place in both]
        ours = {measure: values[both] for measure, values in self.scores.items()}
        of = groups([question.source for question in questions])
        return Comparison(other.store, differences(ours, Report(questions, other).scores, of), of)

    def as_json(self) -> dict[str, Any]:
        """The store and, for each source, the number of questions, each measure and its interval."""
        sources = {
            group: {"n": len(self.groups[group])}
            | {measure: round(value.mean, 4) for measure, value in measures.items()}
            | {"intervals": {measure: _bounds(value) for measure, value in measures.items()}}
            for group, measures in self.figures.items()
        }
        return {"store": self.run.store, "sources": sources}

    def table(self) -> str:
        """A row for each source; the intervals are those of 95 %."""
        head = ["", "n", *NAMES.values(), *(f"{NAMES[measure]} from, to" for measure in COMPARED)]
        rows = [
            [group, str(len(self.groups[group])), *(f"{value.mean:.3f}" for value in measures.values())]
            + [_span(measures[measure]) for measure in COMPARED]
            for group, measures in self.figures.items()
        ]
        return aligned([head, *rows])

    def worst(self, count: int) -> str:
        """The questions whose right documents came last, with what was expected and what came first."""
        places = sorted(range(len(self._questions)), key=lambda place: (self.scores["ndcg@10"][place], place))[:count]
        return "\n\n".join(map(self._told, places))

    def _told(self, place: int) -> str:
        question = self._questions[place]
        found = self.run.found[question.key]
        first = next((number for number, name in enumerate(found, 1) if name in question.relevant), None)
        where = f"the first of them at place {first}" if first else f"not among the first {len(found)}"
        return (
            f"{self.scores['ndcg@10'][place]:.2f} {question.source}: {' '.join(question.question.split())}\n"
            f"     right: {', '.join(sorted(question.relevant))}; {where}\n"
            f"     found: {', '.join(found[:5]) or 'nothing'}"
        )


class Comparison:
    """How far a run is above another one."""

    def __init__(
        self, other: str, of: Mapping[str, Mapping[str, Difference]], groups: Mapping[str, Sequence[int]]
    ) -> None:
        self._other, self.differences, self._groups = other, of, groups

    def as_json(self) -> dict[str, Any]:
        """For each source the number of questions in both, and of each measure that is compared what changed."""
        sources = {
            group: {"n": len(self._groups[group])}
            | {
                measure: {
                    "difference": round(value.difference.mean, 4),
                    "interval": _bounds(value.difference),
                    "better": value.better,
                    "worse": value.worse,
                }
                for measure, value in measures.items()
            }
            for group, measures in self.differences.items()
        }
        return {"store": self._other, "sources": sources}

    def table(self) -> str:
        """A row for each source: the difference, its interval of 95 %, on how many questions it is better or worse."""
        head = ["", "n"]
        for measure in COMPARED:
            head += [NAMES[measure], "from, to", "better", "worse"]
        rows = [
            [group, str(len(self._groups[group])), *(cell for value in measures.values() for cell in _changed(value))]
            for group, measures in self.differences.items()
        ]
        return aligned([head, *rows])


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Columns of the same width: names to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for name, *cells in rows:
        figures = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        lines.append("  ".join([name.ljust(widths[0]), *figures]).rstrip())
    return "\n".join(lines)


def _changed(value: Difference) -> Iterable[str]:
    return f"{value.difference.mean:+.3f}", _span(value.difference, sign="+"), str(value.better), str(value.worse)


def _span(value: Interval, sign: str = "") -> str:
    return f"{value.low:{sign}.3f}, {value.high:{sign}.3f}"


def _bounds(value: Interval) -> list[float]:
    return [round(value.low, 4), round(value.high, 4)]
