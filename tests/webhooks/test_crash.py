"""What is accepted is neither lost nor noted twice, whatever dies on the way. The helpdesk's records are the judge."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from dataclasses import replace

import psycopg
import pytest
import requests
from psycopg.conninfo import conninfo_to_dict

from tests.system import System, wait_until

pytestmark = pytest.mark.server

MESSAGES, COPIES, KILLS = 200, 3, 5
TEXT = "Mon propriétaire ne m'a pas rendu le dépôt de garantie après {} mois. Quel est le délai ?"


@pytest.mark.timeout(600)
def test_two_hundred_messages_and_five_killed_workers_make_two_hundred_notes(greffier: System) -> None:
    greffier.start_web()
    worker = greffier.start("worker")
    sandbox = greffier.sandbox
    sandbox.faults.copies, sandbox.faults.delivery_jitter = COPIES, 3.0  # three times each, and shuffled
    greffier.models.script = replace(greffier.models.script, latency=0.3)
    tickets = [sandbox.write_as_customer("Dépôt de garantie", TEXT.format(n + 2))[0] for n in range(MESSAGES)]

    moments = random.Random(7)  # noqa: S311
    for kill in range(1, KILLS + 1):
        wait_until(lambda share=kill: _settled(greffier) >= MESSAGES * share / (KILLS + 2), 120)
        time.sleep(moments.uniform(0, 0.5))
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        worker = greffier.start("worker")
    wait_until(lambda: _settled(greffier) == MESSAGES, 240)

    assert sandbox.deliveries.settle(30)
    assert len(sandbox.deliveries.log) >= MESSAGES * COPIES
    assert Counter(greffier.states()) == {"posted": MESSAGES}
    assert Counter(len(sandbox.notes(ticket)) for ticket in tickets) == {1: MESSAGES}
    assert greffier.rows("SELECT count(*) FROM inbox WHERE stalls > 0") != [(0,)]


def test_a_worker_that_dies_is_healed_by_another(greffier: System) -> None:
    greffier.start_web()
    greffier.models.script = replace(greffier.models.script, latency=2.0)
    worker = greffier.start("worker")
    ticket, _ = greffier.sandbox.write_as_customer("Dépôt de garantie", TEXT.format(2))
    wait_until(lambda: any(r.path.endswith("/chat/completions") for r in greffier.models.requests))
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()
    greffier.start("worker")
    wait_until(lambda: greffier.states() == ["posted"])
    assert len(greffier.sandbox.notes(ticket)) == 1
    assert greffier.rows("SELECT stalls FROM inbox") == [(1,)]


def test_a_worker_that_is_asked_to_stop_finishes_its_draft(greffier: System) -> None:
    greffier.start_web()
    greffier.models.script = replace(greffier.models.script, latency=2.0)
    worker = greffier.start("worker")
    greffier.sandbox.write_as_customer("Dépôt de garantie", TEXT.format(2))
    wait_until(lambda: any(r.path.endswith("/chat/completions") for r in greffier.models.requests))
    os.killpg(worker.pid, signal.SIGTERM)
    assert worker.wait(30) == 0
    assert greffier.states() == ["posted"]


def test_after_a_pause_the_waiting_messages_are_drafted(greffier: System) -> None:
    greffier.start_web()
    assert greffier.run("pause").exit_code == 0
    greffier.start("worker")
    greffier.sandbox.write_as_customer("Dépôt de garantie", TEXT.format(2))
    wait_until(lambda: greffier.states() == ["accepted"])
    wait_until(lambda: greffier.rows("SELECT FROM procrastinate_jobs WHERE queue_name = 'drafts'") == [])
    assert greffier.states() == ["accepted"]
    assert greffier.run("resume").exit_code == 0
    wait_until(lambda: greffier.states() == ["posted"])


def _settled(greffier: System) -> int:
    return sum(state in ("posted", "skipped", "dead") for state in greffier.states())


def test_greffier_waits_for_a_database_that_is_away_and_goes_on(greffier: System, postgres_server: str) -> None:
    greffier.start_web()
    worker = greffier.start("worker")
    wait_until(lambda: len(greffier.rows("SELECT FROM procrastinate_workers")) == 2)
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        allow(admin, greffier, False)
        wait_until(lambda: "database_url: the connection to the queue is lost" in greffier.log("worker"))
        assert requests.get(f"{greffier.url}/readyz", timeout=30).status_code == 503
        assert requests.get(f"{greffier.url}/healthz", timeout=30).status_code == 200
        allow(admin, greffier, True)
    greffier.sandbox.faults.retry_scale = 0.1
    ticket, _ = greffier.sandbox.write_as_customer("Dépôt de garantie", TEXT.format(2))
    wait_until(lambda: len(greffier.sandbox.notes(ticket)) == 1)
    assert worker.poll() is None


def test_messages_in_progress_outlive_five_killed_workers(greffier: System) -> None:
    greffier.start_web()
    greffier.models.script = replace(greffier.models.script, latency=3.0)  # killed in the middle of each draft
    tickets = [greffier.sandbox.write_as_customer("Dépôt", TEXT.format(n + 2))[0] for n in range(4)]
    for _ in range(KILLS):
        before = len(greffier.models.requests)
        worker = greffier.start("worker")
        wait_until(lambda seen=before: len(greffier.models.requests) >= seen + 6)  # the proof of prefixes, four drafts
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
    greffier.start("worker")
    wait_until(lambda: _settled(greffier) == len(tickets))
    assert [len(greffier.sandbox.notes(ticket)) for ticket in tickets] == [1, 1, 1, 1]


def allow(admin: psycopg.Connection, greffier: System, connections: bool) -> None:
    """Let nobody into Greffier's database any more and drop who is there, or let everybody in again."""
    name = conninfo_to_dict(greffier.database)["dbname"]
    admin.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS {connections}")
    if not connections:
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
