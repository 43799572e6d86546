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
from webhooks.demo.sandbox.records import Article

pytestmark = pytest.mark.server

MESSAGES = 60
KILLS = 5
COVERED = "État civil"
ENDS = "key, ticket, coalesce(reason, state) FROM inbox"
IN_A_COVERED_TICKET = {
    "posted", "answered", "superseded", "automatic", "channel_off", "ticket_closed", "stopped"
}  # fmt: skip
ELSEWHERE = {"group_off", "gone", "ticket_merged"}
"""What is said of a message in a place that is not ours; in one that is, it is looked at again."""
QUESTION = "Mon propriétaire ne m'a pas rendu le dépôt de garantie après {} mois. Quel est le délai ?"


class Day:
    """Sixty messages and what happens to their tickets."""

    def __init__(self, greffier: System) -> None:
        self.greffier, self.sandbox = greffier, greffier.sandbox
        self.chance = random.Random(11)  # noqa: S311
        self.numbers = itertools.count(1)
        self.keys: list[str] = []
        """Of the citizens' messages."""
        self.others: list[str] = []
        """Of the agents' answers and commands."""
        self.tickets: list[int] = []
        self.closed: set[str] = set()
        self.covered: set[int] = set()
        """The tickets that were in the covered group at some time."""

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
            ids = self.write(text, group="Urbanisme" if kind == 6 else COVERED, type=("web", "email")[kind % 2])
            self.tickets.append(ids[0])
        self.keys.append(f"sandbox:{ids[1]}:message")

    def write(self, text: str, group: str = COVERED, type: str = "email") -> tuple[int, int]:
        """A message in a new ticket."""
        ids = self.sandbox.write_as_customer("Dépôt de garantie", text, type=type, group=group)
        self.covered |= {ids[0]} if group == COVERED else set()
        return ids

    def event(self) -> None:
        """What else happens: an answer, a move, a merge, a closing, a command."""
        ticket = self.chance.choice(self.tickets)
        act = self.chance.randrange(7)
        if self.sandbox.store.tickets[ticket].state == "merged":
            return
        if act == 0:
            self.reply(ticket)
        elif act == 1:
            self.move(ticket, self.chance.choice([COVERED, "Urbanisme"]))
        elif act == 2 and len(self.tickets) > 3:
            target = self.chance.choice(self.tickets)
            if target != ticket and self.sandbox.store.tickets[target].state != "merged":
                self.sandbox.merge(ticket, target)
        elif act == 3:
            self.close(ticket)
        else:
            self.command(ticket, ("@greffier encore plus court", "@greffier aide", "@greffier stop")[act % 3])

    def reply(self, ticket: int) -> None:
        """An agent's answer."""
        self.others.append(f"sandbox:{self.sandbox.reply_as_agent(ticket, 'Bonjour, un mois.')}:reply")

    def command(self, ticket: int, text: str) -> None:
        """What an agent asks of us in a note."""
        self.others.append(f"sandbox:{self.sandbox.note_as_agent(ticket, text)}:command")

    def move(self, ticket: int, group: str) -> None:
        """To another group, or to the same."""
        self.covered |= {ticket} if group == COVERED else set()
        self.sandbox.move(ticket, group)

    def close(self, ticket: int) -> None:
        """Close the ticket; what the citizen writes then leaves it closed."""
        self.closed.add(str(ticket))
        self.sandbox.close(ticket)

    def last_hour(self) -> dict[str, str]:
        """Four tickets that chance leaves alone: the reason that must be the last message's of two, by its key."""
        drafted, _ = self.write("Quel est le délai pour rendre le dépôt de garantie ?")
        answered, _ = self.write("Quel est le délai pour rendre la caution ?")
        for ticket in (drafted, answered):
            wait_until(lambda ticket=ticket: self.sandbox.shared_draft(ticket) is not None)  # type: ignore[misc]
        self.reply(answered)
        stopped, closed = (self.write("Quel est le délai pour rendre l'argent ?")[0] for _ in range(2))
        self.command(stopped, "@greffier stop")
        self.close(closed)
        last = {
            f"sandbox:{self.sandbox.write_as_customer('', QUESTION.format(3), ticket_id=ticket)[1]}:message": reason
            for ticket, reason in ((stopped, "stopped"), (closed, "ticket_closed"))
        }
        self.keys.extend(last)
        return last

    def is_covered(self, key: str) -> bool:
        """Whether the event stands in a ticket of the covered group now: then it is ours, open or closed."""
        article = self.sandbox.store.articles[int(key.split(":")[1])]
        return self.group_of(article.ticket_id) == COVERED

    def group_of(self, ticket: int) -> str:
        """The name of the group of a ticket."""
        store = self.sandbox.store
        return store.groups[store.tickets[ticket].group_id].name

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
    last = day.last_hour()
    greffier.sandbox.deliveries.settle(60)
    wait_until(lambda: not unfinished(greffier, day), 240)  # the sweep that webhooks have comes once a minute

    ends = {key: (ticket, reason) for key, ticket, reason in greffier.rows(f"SELECT {ENDS} WHERE kind = 'message'")}
    assert {reason for key, (_, reason) in ends.items() if day.is_covered(key)} <= IN_A_COVERED_TICKET
    assert {reason for _, reason in ends.values()} <= IN_A_COVERED_TICKET | ELSEWHERE
    assert {ticket for ticket, reason in ends.values() if reason == "ticket_closed"} <= day.closed
    assert {key: ends[key][1] for key in last} == last
    assert set(day.notes().values()) == {1}
    posted = [reference for (reference,) in greffier.rows("SELECT reference FROM note")]
    assert sorted(day.notes()) == sorted(posted)
    assert greffier.rows("SELECT key, reason FROM inbox WHERE state = 'dead'") == []
    assert no_note_follows_an_answer(day)
    assert_each_offered_draft_is_wanted(greffier, day)


def unfinished(greffier: System, day: Day) -> list[str]:
    """The events that are still on their way, or that stand in a covered ticket and nobody has taken in there."""
    known = dict(greffier.rows("SELECT key, reason FROM inbox"))
    open_ones = [key for (key,) in greffier.rows("SELECT key FROM inbox WHERE state IN ('accepted', 'drafted')")]
    covered = [key for key in (*day.keys, *day.others) if day.is_covered(key)]
    return open_ones + [key for key in covered if key not in known or known[key] in ELSEWHERE]


def assert_each_offered_draft_is_wanted(greffier: System, day: Day) -> None:
    """A draft of ours is in an agent's editor for a note that is there, and until an answer or `@greffier stop`."""
    offered = {ticket: draft for ticket, draft in day.sandbox.store.drafts.items() if is_covered_ticket(day, ticket)}
    assert offered
    assert set(day.sandbox.store.drafts) <= day.covered  # a group that is off sees one only in a ticket moved there
    ends = {key: ticket for key, ticket, _ in greffier.rows(f"SELECT {ENDS} WHERE kind <> 'message'")}
    for ticket, draft in offered.items():
        reference = draft.new_article["preferences"]["greffier"]["reference"]
        (note,) = (
            one
            for one in day.sandbox.notes(ticket)
            if one.preferences.get("greffier", {}).get("reference") == reference
        )
        for key in day.others:
            article = day.sandbox.store.articles[int(key.split(":")[1])]
            takes_away = key.endswith(":reply") or "stop" in article.body
            # what was merged in later has taken away the draft of the ticket where it was written
            assert not (takes_away and ends.get(key) == str(ticket) and article.id > note.id), (ticket, key)


def is_covered_ticket(day: Day, ticket: int) -> bool:
    """Whether it is in the covered group and still a ticket of its own."""
    return day.group_of(ticket) == COVERED and day.sandbox.store.tickets[ticket].state != "merged"


def no_note_follows_an_answer(day: Day) -> bool:
    """Whether each draft was written before the first answer that follows its message."""
    for ticket in list(day.sandbox.store.tickets.values()):
        articles = sorted(day.sandbox.store.articles_of(ticket), key=lambda article: article.id)
        for index, note in enumerate(articles):
            if note.preferences.get("greffier") and "Projet de réponse" in (note.subject or ""):
                before = [article for article in articles[:index] if not article.internal]
                if before and before[-1].sender == "Agent" and not was_asked_for(articles[:index]):
                    return False
    return True


def was_asked_for(before: list[Article]) -> bool:
    """Whether an agent asked for another draft since the last public word."""
    since = itertools.takewhile(lambda article: article.internal, reversed(before))
    return any(article.body.startswith("@greffier encore") for article in since)
