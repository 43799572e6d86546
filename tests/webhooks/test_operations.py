"""`docs/operations.md` tells of what there is: no more, no less."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric

from connector.ticket import EventKind
from webhooks import figures, logs
from webhooks.entry import Entry, State
from webhooks.figures import FIGURES, REASONS
from webhooks.metrics import STAGES, Drafting, Intake

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")


def rows(header: str) -> list[list[str]]:
    """The cells of the table with that header."""
    _, _, after = PAGE.partition(f"\n{header}\n")
    lines = after.partition("\n\n")[0].splitlines()[1:]
    return [re.split(r"\s*\|\s*", line.strip()[1:-1].strip()) for line in lines]


def codes(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def counted() -> dict[str, Metric]:
    """What the processes count themselves, each label used once."""
    registry = CollectorRegistry()
    Intake(["mairie"], registry).answered("mairie", "202", "accepted", 0.1)
    drafting, now = Drafting(registry), datetime.now(UTC)
    skipped = Entry(
        "mairie:1:message", "mairie", "1", "1", EventKind.MESSAGE, State.SKIPPED, "empty", None, 0, None, 0, now, now
    )
    drafting.settled(skipped)
    drafting.failed("mairie", outage=True)
    return {metric.name: metric for metric in registry.collect()}


def exported() -> dict[str, tuple[str, set[str]]]:
    """The type and the labels of each metric, by the name that is queried."""
    found = {"greffier_database_up": ("gauge", set[str]())}
    for figure in FIGURES:
        kind = "gauge" if figure.kind is figures.GaugeMetricFamily else "counter"
        found[figure.name] = (kind, set(figure.labels))
    for metric in counted().values():
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        found[name] = (metric.type, {label for sample in metric.samples for label in sample.labels} - {"le"})
    return found


def test_each_metric_is_told_with_its_type_and_labels() -> None:
    told = rows("| metric | type | labels | meaning | worry when |")
    assert {codes(name)[0]: (kind, set(codes(labels))) for name, kind, labels, *_ in told} == exported()
    assert all(meaning and worry for _, _, _, meaning, worry in told)


def test_the_rules_ask_for_metrics_that_there_are() -> None:
    series = set(exported()) | {f"{name}_{part}" for name in exported() for part in ("bucket", "count", "sum")}
    assert set(re.findall(r"greffier_[a-z_]+", PAGE)) - {"greffier_index_"} <= series


def test_each_stage_and_state_is_told() -> None:
    told = {code for row in rows("| metric | type | labels | meaning | worry when |") for code in codes(row[3])}
    assert set(STAGES) <= told
    assert all(f"`{state}`" in PAGE for state in State)


def test_each_reason_is_told_with_what_to_do() -> None:
    told = rows("| reason | meaning | what to do |")
    assert sorted(codes(reason)[0] for reason, _, _ in told) == sorted(REASONS)
    assert all(meaning and what for _, meaning, what in told)


def test_the_sentences_of_the_dead_are_those_of_the_code() -> None:
    packages = [path for name in ("connector", "chains", "webhooks") for path in (ROOT / name).rglob("*.py")]
    code = "\n".join(path.read_text("utf-8") for path in packages)
    told = [part for cells in rows("| the sentence contains | meaning | what to do |") for part in codes(cells[0])]
    assert len(told) > 5
    assert [part for part in told if part not in code] == []


def test_the_line_that_is_shown_has_the_fields_that_are_told() -> None:
    (line,) = (line for line in PAGE.splitlines() if line.startswith("    {"))
    shown = json.loads(line)
    with logs.about(key=shown["key"], helpdesk=shown["helpdesk"], ticket=shown["ticket"]):
        record = logging.LogRecord(shown["logger"], logging.INFO, "", 1, shown["message"], (), None)
        written = json.loads(logs.Json().format(record))
    assert written | {"time": shown["time"]} == shown
    told = {code for cells in rows("| field | |") for code in codes(cells[0])}
    assert shown.keys() | {"places"} == told
