"""Weaviate goes away in every way: messages wait and say why, and are drafted when it is back.

Never is a message answered without the index: no draft without sources, and no "there is no source" either.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager

import pytest

from chains.stores.weaviate_server import Connection, Server
from tests.conftest import created_database, weaviate_in
from tests.system import System, system, unforeseen, wait_until
from tests.webhooks.work import QUESTION, Work
from webhooks import settings, wiring
from webhooks.demo.weaviate_server import WeaviateServer

pytestmark = [pytest.mark.server, pytest.mark.weaviate]


def index(greffier: System) -> None:
    done = greffier.run("index")
    assert done.exit_code == 0, done.output


@pytest.fixture(scope="module")
def weaviate(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: str, indexed_template: str
) -> Iterator[WeaviateServer]:
    """A Weaviate with the sample of sheets in it. Each test leaves it as it was."""
    with (
        weaviate_in(tmp_path_factory.mktemp("weaviate")) as server,
        created_database(postgres_server, indexed_template) as url,  # whose vectors need not be made again
        system(tmp_path_factory.mktemp("index"), url) as greffier,
    ):
        greffier.keep_index_in(server)
        index(greffier)
        yield server


@pytest.fixture
def stored(greffier: System, weaviate: WeaviateServer) -> System:
    """Greffier with its index in Weaviate."""
    greffier.keep_index_in(weaviate, timeout=2)
    return greffier


# --- each way to be away


@contextmanager
def killed(weaviate: WeaviateServer, greffier: System) -> Iterator[None]:
    weaviate.kill()
    try:
        yield
    finally:
        weaviate.start()


@contextmanager
def frozen(weaviate: WeaviateServer, greffier: System) -> Iterator[None]:
    os.kill(weaviate.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(weaviate.pid, signal.SIGCONT)


@contextmanager
def with_another_key(weaviate: WeaviateServer, greffier: System) -> Iterator[None]:
    key, weaviate.api_key = weaviate.api_key, "another key"
    weaviate.stop()
    weaviate.start()
    try:
        yield
    finally:
        weaviate.stop()
        weaviate.api_key = key
        weaviate.start()


@contextmanager
def without_index(weaviate: WeaviateServer, greffier: System) -> Iterator[None]:
    with closing(Connection(Server(weaviate.url, weaviate.grpc_port, weaviate.api_key))) as connection:
        connection.client().collections.delete_all()
    try:
        yield
    finally:
        index(greffier)


Away = Callable[[WeaviateServer, System], AbstractContextManager[None]]
AWAY = [
    (killed, "[store] url: Weaviate cannot be reached"),
    (frozen, "Weaviate did not answer in time"),
    (with_another_key, "[store] api_key: Weaviate does not accept the key"),
    (without_index, "there is no index yet: run greffier index"),
]


@pytest.mark.parametrize(("away", "reason"), AWAY, ids=[away.__name__ for away, _ in AWAY])
def test_a_message_waits_with_a_reason_and_is_drafted_afterwards(
    stored: System, weaviate: WeaviateServer, away: Away, reason: str
) -> None:
    with wiring.database(settings.load(stored.config, {}), connections=6) as pool:
        line = Work(stored, pool)
        with away(weaviate, stored):
            ticket, key = line.message()
            assert line.worker.handle(key, 0) is not None  # again later
            assert line.entry(key).state == "accepted"
            assert line.notes(ticket) == []
            assert reason in stored.run("status").output
            checked = stored.run("check")
            assert checked.exit_code == 1
            assert reason in checked.output
        wait_until(lambda: line.worker.handle(key, 0) is None)  # the first call may meet a connection that is broken
        assert line.end(key) == ("posted", None)
        assert len(line.notes(ticket)) == 1
    assert "ok      store: Weaviate 1.39.0 at" in stored.run("check").output


# --- whole processes


def test_messages_that_come_while_weaviate_is_killed_and_started_are_all_drafted_once(
    stored: System, weaviate: WeaviateServer
) -> None:
    stored.start_web()
    worker = stored.start("worker")
    tickets = [write(stored)]
    wait_until(lambda: stored.states() == ["posted"])
    weaviate.kill()
    tickets += [write(stored) for _ in range(4)]
    wait_until(lambda: waiting(stored) == 4)
    assert "oldest" in (told := stored.run("status").output)
    assert "[store] url: Weaviate cannot be reached" in told
    assert [len(stored.sandbox.notes(ticket)) for ticket in tickets] == [1, 0, 0, 0, 0]
    with arriving(stored, tickets):
        weaviate.start()
    require_drafts(stored, tickets)
    assert worker.poll() is None
    assert unforeseen(stored.log("worker")) == []


def test_a_worker_that_starts_without_weaviate_waits_for_it(stored: System, weaviate: WeaviateServer) -> None:
    weaviate.kill()
    stored.start_web()
    worker = stored.start("worker")
    tickets = [write(stored)]
    wait_until(lambda: waiting(stored) == 1)
    assert "each message waits: [store] url: Weaviate cannot be reached" in stored.log("worker")
    weaviate.start()
    require_drafts(stored, tickets)
    assert worker.poll() is None
    assert unforeseen(stored.log("worker")) == []


def write(greffier: System) -> int:
    ticket, _ = greffier.sandbox.write_as_customer("Dépôt de garantie", QUESTION)
    return ticket


def waiting(greffier: System) -> int:
    """How many messages have been tried in vain."""
    return len(greffier.rows("SELECT FROM inbox WHERE state = 'accepted' AND last_error IS NOT NULL"))


@contextmanager
def arriving(greffier: System, tickets: list[int]) -> Iterator[None]:
    """More messages meanwhile, and those that wait are tried at once, so that some meet a Weaviate that starts."""
    stop = threading.Event()

    def write_on() -> None:
        while not stop.wait(0.2):
            tickets.append(write(greffier))
            hurry(greffier)

    thread = threading.Thread(target=write_on)
    thread.start()
    yield
    stop.set()
    thread.join()


def hurry(greffier: System) -> None:
    """Let the pauses be over."""
    greffier.execute("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE status = 'todo'")


def require_drafts(greffier: System, tickets: list[int]) -> None:
    """Each ticket has its one note in the end, and each is a draft from sources."""
    assert greffier.sandbox.deliveries.settle(30)
    assert {delivery.status for delivery in greffier.sandbox.deliveries.log} == {202}

    def all_are_posted() -> bool:
        hurry(greffier)
        return greffier.states() == ["posted"] * len(tickets)

    wait_until(all_are_posted)
    assert set(greffier.rows("SELECT reason FROM inbox")) == {(None,)}
    notes = [greffier.sandbox.notes(ticket) for ticket in tickets]
    assert [len(of) for of in notes] == [1] * len(tickets)
    assert all("https://" in note.body for of in notes for note in of)
