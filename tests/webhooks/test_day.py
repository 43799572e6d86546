"""A day at the counter, with whole processes: each message ends with its one note or its reason, whatever happens."""

from __future__ import annotations

import itertools
import os
import random
import signal
import time
from dataclasses import replace

import pytest

from tests.system import System, wait_until

pytestmark = pytest.mark.server

MESSAGES = 60
KILLS = 5
QUESTION = "Mon propriétaire ne m'a pas rendu le dépôt de garantie après {} mois. Quel est le délai ?"


class Day:
    """Sixty messages and what happens to their tickets."""

    def __init__(self, greffier: System) -> None:
        self.greffier, self.sandbox = greffier, greffier.sandbox
        self.chance = random.Random(11)  # noqa: S311
        self.numbers = itertools.count(1)
        self.keys: list[str] = []
        self.tickets: list[int] = []

    def message(self) -> None:
        """One more message: by form, mail, phone or robot; new, or in a ticket that is there."""
        number = next(self.numbers)
        text, kind = QUESTION.format(number), number % 10
        if kind == 9:
            ids = self.sandbox.phone_in("Dépôt de garantie", text)
        elif kind == 8:
            automatic = {"is-auto-response": True, "send-auto-response": False}
            ids = self.sandbox.write_as_customer("Absence", text, type="email", preferences=automatic)
        elif kind == 7 and self.tickets:
            ids = self.sandbox.write_as_customer("", text, ticket_id=self.chance.choice(self.tickets))
        else:
            group = "Urbanisme" if kind == 6 else "État civil"
            ids = self.sandbox.write_as_customer(
                "Dépôt de garantie", text, type=("web", "email")[kind % 2], group=group
            )
            self.tickets.append(ids[0])
        self.keys.append(f"sandbox:{ids[1]}:message")

    def event(self) -> None:
        """What else happens: an answer, a move, a merge, a closing, a command."""
        ticket = self.chance.choice(self.tickets)
        act = self.chance.randrange(6)
        if self.sandbox.store.tickets[ticket].state == "merged":
            return
        if act == 0:
            self.sandbox.reply_as_agent(ticket, "Bonjour, un mois.")
        elif act == 1:
            self.sandbox.move(ticket, self.chance.choice(["État civil", "Urbanisme"]))
        elif act == 2 and len(self.tickets) > 3:
            target = self.chance.choice(self.tickets)
            if target != ticket and self.sandbox.store.tickets[target].state != "merged":
                self.sandbox.merge(ticket, target)
        elif act == 3:
            self.sandbox.close(ticket)
        else:
            self.sandbox.note_as_agent(ticket, ("@greffier encore plus court", "@greffier aide")[act % 2])

    def notes(self) -> dict[str, int]:
        """How many notes the helpdesk holds of each mark."""
        marks = [
            note.preferences["greffier"]["reference"]
            for ticket in list(self.sandbox.store.tickets)
            for note in self.sandbox.notes(ticket)
            if "greffier" in note.preferences
        ]
        return {mark: marks.count(mark) for mark in marks}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("intake", ["webhook", "poll"])
def test_each_message_has_its_one_note_or_its_reason(greffier: System, intake: str) -> None:
    day = Day(greffier)
    greffier.configure(f'intake = "{intake}"')
    greffier.configure("poll_every = 1")
    greffier.configure("offer_draft = true")
    greffier.models.script = replace(greffier.models.script, latency=0.2)
    if intake == "webhook":
        greffier.start_web()
        greffier.sandbox.faults.retry_scale = 0.02
        greffier.sandbox.faults.copies = 2
    worker = greffier.start("worker")
    for kill in range(KILLS):
        for _ in range(MESSAGES // KILLS):
            day.message()
            if day.chance.random() < 0.4:
                day.event()
            time.sleep(day.chance.uniform(0, 0.15))
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        if kill == 2:  # Greffier is away while citizens write
            for _ in range(3):
                day.message()
        worker = greffier.start("worker")
    greffier.sandbox.deliveries.settle(60)
    wait_until(lambda: not unfinished(greffier, day), 240)

    reasons = dict(greffier.rows("SELECT key, coalesce(reason, state) FROM inbox WHERE kind = 'message'"))
    uncovered = [key for key in day.keys if key not in reasons]
    assert all(is_uncovered(day, key) for key in uncovered), uncovered
    assert {reasons[key] for key in day.keys if key in reasons} <= {
        "posted", "answered", "superseded", "automatic", "channel_off", "gone", "ticket_closed", "ticket_merged",
        "group_off", "stopped",
    }  # fmt: skip
    assert set(day.notes().values()) == {1}
    posted = [reference for (reference,) in greffier.rows("SELECT reference FROM note")]
    assert sorted(day.notes()) == sorted(posted)
    assert greffier.rows("SELECT key, reason FROM inbox WHERE state = 'dead'") == []
    assert no_note_follows_an_answer(day)


def unfinished(greffier: System, day: Day) -> list[str]:
    """The messages that are still on their way, or that nobody has announced yet."""
    open_ones = [key for (key,) in greffier.rows("SELECT key FROM inbox WHERE state IN ('accepted', 'drafted')")]
    known = {key for (key,) in greffier.rows("SELECT key FROM inbox")}
    return open_ones + [key for key in day.keys if key not in known and not is_uncovered(day, key)]


def is_uncovered(day: Day, key: str) -> bool:
    """Whether the message stands where Greffier has nothing to do, so that nothing announces it."""
    article = day.sandbox.store.articles[int(key.split(":")[1])]
    ticket = day.sandbox.store.tickets[article.ticket_id]
    return day.sandbox.store.groups[ticket.group_id].name != "État civil" or ticket.state == "closed"


def no_note_follows_an_answer(day: Day) -> bool:
    """Whether each draft was written before the first answer that follows its message."""
    for ticket in list(day.sandbox.store.tickets.values()):
        articles = day.sandbox.store.articles_of(ticket)
        for index, note in enumerate(articles):
            if note.preferences.get("greffier") and "Projet de réponse" in (note.subject or ""):
                before = [article for article in articles[:index] if not article.internal]
                if before and before[-1].sender == "Agent" and not was_asked_for(articles[:index]):
                    return False
    return True


def was_asked_for(before: list[object]) -> bool:
    """Whether an agent asked for another draft since the last answer."""
    last = [article for article in before if article.sender == "Agent" and not article.preferences.get("greffier")]  # type: ignore[attr-defined]
    return bool(last) and last[-1].internal and last[-1].body.startswith("@greffier encore")
