"""What a process counts and times itself, for Prometheus. What is in the database is read by `webhooks.figures`.

Labels have few values: names of helpdesks from the settings, states, statuses, reasons that the code knows.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import AbstractContextManager

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    start_http_server,
)

from chains.steps import LEVERS
from connector.errors import ConfigurationError
from webhooks.entry import Entry, State
from webhooks.figures import known_reason

log = logging.getLogger("greffier.metrics")

INTAKE = "greffier.intake"
"""Where a Flask application keeps its `Intake`, for the server around it."""
NOBODY = "-"
"""The helpdesk of a request that names none of ours: no helpdesk can have this name."""
OUTCOMES = ("accepted", "known", "ignored")
"""Of deliveries that are taken; the others are `refused`, `unavailable` and `failed`."""
SHORT = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
STAGE = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80)
LONG = (1, 2.5, 5, 10, 20, 40, 60, 120, 300, 600, 1800, 3600, 14_400, 86_400)
STAGES = ("fetch", *LEVERS, "retrieve", "model", "check", "draft", "post", "offer")


class Intake:
    """What the web process counts: deliveries by what became of them, and its own time for them."""

    def __init__(self, helpdesks: Iterable[str], registry: CollectorRegistry | None = None) -> None:
        self._deliveries = Counter(
            "greffier_deliveries_total",
            "Requests to /webhooks/, by what became of them.",
            ["helpdesk", "outcome", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "greffier_delivery_seconds",
            "From a whole request to its answer.",
            buckets=SHORT,
            registry=registry,
        )
        for name in helpdesks:  # so that they are there, as 0, before the first of them
            for outcome, status in zip(OUTCOMES, ("202", "202", "204"), strict=True):
                self._deliveries.labels(name, outcome, status)

    def answered(self, helpdesk: str, status: str, outcome: str = "", seconds: float | None = None) -> None:
        """Count a request. Where it was not taken, the status says the outcome."""
        self._deliveries.labels(helpdesk, outcome or _outcome(status), status).inc()
        if seconds is not None:
            self._seconds.observe(seconds)


def _outcome(status: str) -> str:
    return "unavailable" if status == "503" else "failed" if status.startswith("5") else "refused"


class Drafting:
    """What the worker counts: how events end, and how long each stage takes."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self._settled = Counter(
            "greffier_settled_total",
            "Events that came to their end, by how and why.",
            ["helpdesk", "state", "reason"],
            registry=registry,
        )
        self._waits = Histogram(
            "greffier_settled_seconds",
            "From the moment an event was taken in to its end.",
            ["state"],
            buckets=LONG,
            registry=registry,
        )
        self._failed = Counter(
            "greffier_failed_attempts_total",
            "Attempts that failed: a neighbour was away (outage), or anything else (error).",
            ["helpdesk", "cause"],
            registry=registry,
        )
        self._stages = Histogram(
            "greffier_stage_seconds",
            "How long a stage of the work took, failures included.",
            ["stage"],
            buckets=STAGE,
            registry=registry,
        )
        self._fallbacks = Counter(
            "greffier_search_fallbacks_total",
            "Searches that went without a lever that is switched on: its model failed, was too slow, or had just been.",
            ["lever"],
            registry=registry,
        )
        for stage in STAGES:
            self._stages.labels(stage)
        for lever in LEVERS:
            self._fallbacks.labels(lever)

    def settled(self, entry: Entry) -> None:
        """Count an event's end."""
        reason = "" if entry.state is State.DEAD else known_reason(entry.reason)
        self._settled.labels(entry.helpdesk, entry.state, reason).inc()
        self._waits.labels(entry.state).observe(entry.seconds or 0.0)

    def failed(self, helpdesk: str, *, outage: bool) -> None:
        """Count an attempt that led to nothing."""
        self._failed.labels(helpdesk, "outage" if outage else "error").inc()

    def stage(self, name: str) -> AbstractContextManager[object]:
        """Time what is done within."""
        return self._stages.labels(name).time()

    def fell_back(self, lever: str) -> None:
        """Count a search that went without that lever."""
        self._fallbacks.labels(lever).inc()

    def took(self, stage: str, seconds: float) -> None:
        """Keep the time of a stage that was measured elsewhere."""
        self._stages.labels(stage).observe(seconds)


def serve(registry: CollectorRegistry, host: str, port: int) -> None:
    """Answer `/metrics` there, in threads of this process. Raises ConfigurationError where nobody may listen."""
    disable_created_metrics()  # type: ignore[no-untyped-call]
    try:
        server, _ = start_http_server(port, host, registry)
    except OSError as error:
        raise ConfigurationError(f"worker.metrics_port: cannot listen on {host}:{port}: {error.strerror}") from None
    server.handle_error = _not_read  # type: ignore[method-assign,assignment]


def _not_read(request: object, client: object) -> None:
    """Who hangs up on us is not worth the trace that `socketserver` would print."""
    log.debug("a request for metrics was not answered", exc_info=True)
