"""What is in the database, as figures for Prometheus and `greffier status`: read when asked, so right in any process.

A look must stay cheap on an inbox of years. Ended events are counted over a day, by an index; all others are few.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import product
from threading import Lock

import psycopg
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from chains.draft import AbstentionReason
from chains.triage import SkipReason
from webhooks.entry import State
from webhooks.ledger import Connection
from webhooks.note import STOPPED, UNKNOWN_COMMAND

REASONS = frozenset({*SkipReason, *AbstentionReason, STOPPED, UNKNOWN_COMMAND})
"""Why an event can end without a draft; a dead one has a sentence instead."""
NO_MORE_THAN_ONE = 1.0  # look in so many seconds: whoever asks meanwhile is told what was found
_PATIENCE = "SET LOCAL statement_timeout = '3s'"
_OPEN = "state IN ('accepted', 'drafted')"


def known_reason(reason: str | None) -> str:
    """A reason as a label: empty where there is none, `other` for one that another version of Greffier wrote."""
    return "other" if reason and reason not in REASONS else reason or ""


@dataclass(frozen=True)
class Figure:
    """A metric: its statement gives a row for each combination of labels, the value last.

    Where the first label is the helpdesk, combinations of the configured ones with `always` are there, as 0 if the
    database does not know them.
    """

    name: str
    text: str
    labels: tuple[str, ...]
    sql: str
    always: tuple[tuple[str, ...], ...] = ()
    kind: type[GaugeMetricFamily | CounterMetricFamily] = GaugeMetricFamily


_OF_HELPDESKS = ((),)
LAST_DAY = Figure(
    "greffier_last_day_events",
    "Events taken in during the last 24 hours, by where they stand.",
    ("helpdesk", "state", "reason"),
    # every state is named for the index by state and moment; the sentence of a dead event is no label
    "SELECT helpdesk, state, CASE WHEN state = 'dead' OR reason IS NULL THEN '' WHEN reason = ANY(%(reasons)s)"
    " THEN reason ELSE 'other' END, count(*) FROM inbox"
    " WHERE state = ANY(%(states)s) AND accepted_at > now() - interval '1 day' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
)
SWEEP_FOUND = Figure(
    "greffier_sweep_found_total",
    "Events that only the sweep found: no webhook came within two minutes.",
    ("helpdesk",),
    # a webhook has five attempts in 100 seconds
    "SELECT helpdesk, count(*) FROM inbox WHERE source = 'sweep' AND accepted_at < now() - interval '2 minutes'"
    " GROUP BY 1",
    always=_OF_HELPDESKS,
    kind=CounterMetricFamily,
)
FIGURES = (
    LAST_DAY,
    Figure(
        "greffier_open_events",
        "Events that wait or are in progress.",
        ("helpdesk", "state"),
        f"SELECT helpdesk, state, count(*) FROM inbox WHERE {_OPEN} GROUP BY 1, 2",
        always=((State.ACCEPTED,), (State.DRAFTED,)),
    ),
    Figure(
        "greffier_oldest_open_event_seconds",
        "For how long the oldest open event has been there, 0 without one.",
        ("helpdesk",),
        f"SELECT helpdesk, extract(epoch FROM now() - min(accepted_at)) FROM inbox WHERE {_OPEN} GROUP BY 1",
        always=_OF_HELPDESKS,
    ),
    Figure(
        "greffier_orphaned_events",
        "Open events that no job of the queue will take up: while paused, or for some seconds.",
        ("helpdesk",),
        f"SELECT helpdesk, count(*) FROM inbox WHERE {_OPEN} AND NOT EXISTS (SELECT FROM procrastinate_jobs AS job"
        " WHERE job.status IN ('todo', 'doing') AND job.args->>'key' = inbox.key) GROUP BY 1",
        always=_OF_HELPDESKS,
    ),
    Figure(
        "greffier_dead_events",
        "Events given up, which wait for an admin.",
        ("helpdesk",),
        "SELECT helpdesk, count(*) FROM inbox WHERE state = 'dead' GROUP BY 1",
        always=_OF_HELPDESKS,
    ),
    Figure(
        "greffier_paused",
        "1 where nothing is drafted, by an admin's pause or because a key was refused.",
        ("helpdesk",),
        "SELECT name, 1 FROM unnest(%(helpdesks)s::text[]) AS name"
        " WHERE EXISTS (SELECT FROM pause WHERE helpdesk IN ('*', name))",
        always=_OF_HELPDESKS,
    ),
    Figure(
        "greffier_jobs",
        "Drafting jobs of the queue: to do, and being done.",
        ("status",),
        "SELECT status, (SELECT count(*) FROM procrastinate_jobs AS job WHERE queue_name = 'drafts'"
        " AND job.status::text = one.status) FROM (VALUES ('todo'), ('doing')) AS one (status)",
    ),
    Figure(
        "greffier_worker_heartbeat_timestamp_seconds",
        "When a worker was last alive, 0 if there is none.",
        (),
        "SELECT coalesce(extract(epoch FROM max(last_heartbeat)), 0) FROM procrastinate_workers",
    ),
    SWEEP_FOUND,
    Figure(
        "greffier_sweep_timestamp_seconds",
        "When the helpdesk was last looked through to the end, 0 if never.",
        ("helpdesk",),
        "SELECT helpdesk, coalesce(extract(epoch FROM swept_at), 0) FROM sweep",
        always=_OF_HELPDESKS,
    ),
    Figure(
        "greffier_sweep_failing",
        "1 where the last look through the helpdesk failed.",
        ("helpdesk",),
        "SELECT helpdesk, (last_error IS NOT NULL)::int FROM sweep",
        always=_OF_HELPDESKS,
    ),
    Figure(
        "greffier_source_documents",
        "Documents of the source when it was last indexed.",
        ("source",),
        "SELECT name, documents FROM source",
    ),
    Figure(
        "greffier_source_indexed_timestamp_seconds",
        "When the source was last indexed to the end, 0 if never.",
        ("source",),
        "SELECT name, coalesce(extract(epoch FROM indexed_at), 0) FROM source",
    ),
    Figure(
        "greffier_source_failing",
        "1 where the last run over the source failed.",
        ("source",),
        "SELECT name, (last_error IS NOT NULL)::int FROM source",
    ),
)


class Figures(Collector):
    """A connection of its own for each look: it waits for no request, and no request waits for it."""

    def __init__(self, connect: Callable[[], Connection], helpdesks: Collection[str]) -> None:
        self._connect = connect
        self._helpdesks = list(helpdesks)
        self._alone = Lock()
        self._found: list[Metric] = []
        self._looked = -NO_MORE_THAN_ONE

    def collect(self) -> Iterator[Metric]:
        """All figures, or only that the database does not give them."""
        with self._alone:
            if time.monotonic() - self._looked >= NO_MORE_THAN_ONE:
                self._found = self._look()
                self._looked = time.monotonic()
            found = self._found
        text = "1 if the database gives its figures; where it does not, they are absent."
        yield GaugeMetricFamily("greffier_database_up", text, value=bool(found))
        yield from found

    def _look(self) -> list[Metric]:
        try:
            with self._connect() as connection:
                connection.execute(_PATIENCE)
                return [self._metric(figure, read(connection, figure, self._helpdesks)) for figure in FIGURES]
        except psycopg.Error:
            return []

    def _metric(self, figure: Figure, rows: dict[tuple[str, ...], float]) -> Metric:
        metric = figure.kind(figure.name, figure.text, labels=figure.labels)
        helpdesks = product(self._helpdesks, figure.always)
        for labels, value in ({(name, *rest): 0.0 for name, rest in helpdesks} | rows).items():
            metric.add_metric(labels, value)
        return metric


def read(connection: Connection, figure: Figure, helpdesks: list[str]) -> dict[tuple[str, ...], float]:
    """The figure's value for each combination of its labels. Raises psycopg's errors."""
    given = {"helpdesks": helpdesks, "states": list(State), "reasons": list(REASONS)}
    rows = connection.execute(figure.sql, given).fetchall()
    return {tuple(row[:-1]): float(row[-1]) for row in rows}
