"""Which messages get a draft."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chains.triage import Rules, SkipReason, triage, triage_request
from connector.ticket import Attachment, Channel, Command, Message, Mode, Person, Role, Ticket, TicketState

START = datetime(2026, 3, 1, tzinfo=UTC)
LATER = START + timedelta(hours=1)
CITIZEN, AGENT = Person("7", "Camille", "camille@exemple.fr"), Person("3", "Agent")
QUESTION = Message("1", Role.CUSTOMER, CITIZEN, "Comment refaire ma carte d'identité ?", LATER)
ANSWER = Message("2", Role.AGENT, AGENT, "Voici la marche à suivre.", LATER)


def ticket(*messages: Message, **fields: Any) -> Ticket:
    given = {"title": "Carte perdue", "group": "Accueil", "state": TicketState.OPEN, "customer": CITIZEN} | fields
    return Ticket("mairie", "12", messages=messages, **given)


def reason(
    ticket: Ticket, message: str = "1", mode: Mode | None = Mode.DRAFT, channels: Collection[Channel] = (Channel.EMAIL,)
) -> SkipReason | None:
    return triage(ticket, message, Rules(mode, START, channels))


def test_a_citizens_message_in_an_open_ticket_gets_a_draft() -> None:
    assert reason(ticket(QUESTION)) is None


def test_a_message_after_an_agents_answer_gets_a_draft() -> None:
    assert reason(ticket(replace(ANSWER, id="0"), QUESTION)) is None


def test_a_message_written_at_the_very_start_gets_a_draft() -> None:
    assert reason(ticket(replace(QUESTION, written_at=START))) is None


def test_a_group_that_is_not_listed_gets_no_draft() -> None:
    assert reason(ticket(QUESTION), mode=None) is SkipReason.GROUP_NOT_COVERED


def test_a_group_that_is_off_gets_no_draft() -> None:
    assert reason(ticket(QUESTION), mode=Mode.OFF) is SkipReason.GROUP_OFF


def test_a_message_that_left_the_ticket_gets_no_draft() -> None:
    assert reason(ticket(QUESTION), message="99") is SkipReason.GONE


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (replace(QUESTION, ours=True), SkipReason.OURS),
        (replace(QUESTION, internal=True), SkipReason.INTERNAL),
        (replace(QUESTION, role=Role.AGENT), SkipReason.NOT_A_CUSTOMER),
        (replace(QUESTION, role=Role.SYSTEM), SkipReason.NOT_A_CUSTOMER),
        (replace(QUESTION, written_at=START - timedelta(seconds=1)), SkipReason.BEFORE_START),
        (replace(QUESTION, automatic=True), SkipReason.AUTOMATIC),
        (replace(QUESTION, text=""), SkipReason.EMPTY),
        (replace(QUESTION, text=" \n--\n…"), SkipReason.EMPTY),
        (replace(QUESTION, text="", attachments=(Attachment("1", "a.pdf", "application/pdf", 9),)), SkipReason.EMPTY),
    ],
)
def test_a_message_may_not_be_for_us(message: Message, expected: SkipReason) -> None:
    assert reason(ticket(message)) is expected


@pytest.mark.parametrize(
    "address",
    [
        "MAILER-DAEMON@exemple.fr",
        "postmaster@exemple.fr",
        "no-reply@exemple.fr",
        "noreply@exemple.fr",
        "noreply+12@exemple.fr",
        "do-not-reply@exemple.fr",
        "ne-pas-repondre@exemple.fr",
        "nepasrepondre@exemple.fr",
        "ne_pas_repondre.caf@exemple.fr",
        "bounces+7=a@exemple.fr",
    ],
)
def test_a_robots_address_gets_no_draft(address: str) -> None:
    assert reason(ticket(replace(QUESTION, author=Person("8", "", address)))) is SkipReason.AUTOMATIC


@pytest.mark.parametrize("address", ["", "norbert.reply@exemple.fr", "nora@noreply-fans.fr", "marie.bounce@exemple.fr"])
def test_a_persons_address_that_looks_alike_gets_a_draft(address: str) -> None:
    assert reason(ticket(replace(QUESTION, author=Person("8", "", address)))) is None


@pytest.mark.parametrize(
    "title",
    ["Réponse automatique : carte", "Automatic reply: x", "Undelivered Mail Returned to Sender", "Échec de la remise"],
)
def test_an_automatic_subject_gets_no_draft(title: str) -> None:
    assert reason(ticket(QUESTION, title=title)) is SkipReason.AUTOMATIC


def test_an_automatic_subject_says_nothing_of_later_messages() -> None:
    opened = replace(QUESTION, id="0")
    assert reason(ticket(opened, QUESTION, title="Réponse automatique : carte")) is None


@pytest.mark.parametrize(
    ("state", "expected"),
    [(TicketState.CLOSED, SkipReason.TICKET_CLOSED), (TicketState.MERGED, SkipReason.TICKET_MERGED)],
)
def test_a_ticket_that_is_over_gets_no_draft(state: TicketState, expected: SkipReason) -> None:
    assert reason(ticket(QUESTION, state=state)) is expected


def test_an_answered_message_gets_no_draft() -> None:
    assert reason(ticket(QUESTION, ANSWER)) is SkipReason.ANSWERED


@pytest.mark.parametrize(
    "later",
    [
        replace(ANSWER, internal=True),
        replace(ANSWER, automatic=True),
        replace(ANSWER, ours=True, internal=True),
        replace(ANSWER, role=Role.SYSTEM),
    ],
)
def test_what_the_citizen_does_not_take_for_an_answer_is_none(later: Message) -> None:
    assert reason(ticket(QUESTION, later)) is None


@pytest.mark.parametrize("channel", [Channel.PHONE, Channel.CHAT, Channel.SMS, Channel.SOCIAL, Channel.OTHER])
def test_a_way_that_is_not_listed_gets_no_draft(channel: Channel) -> None:
    assert reason(ticket(replace(QUESTION, channel=channel))) is SkipReason.CHANNEL_OFF


def test_a_way_that_is_listed_gets_a_draft() -> None:
    assert reason(ticket(replace(QUESTION, channel=Channel.PHONE)), channels=[Channel.PHONE]) is None


NEWER = replace(QUESTION, id="2", text="J'ajoute ceci.")


def test_a_newer_message_of_the_citizen_supersedes_an_older_one() -> None:
    assert reason(ticket(QUESTION, NEWER)) is SkipReason.SUPERSEDED
    assert reason(ticket(QUESTION, NEWER), message="2") is None


@pytest.mark.parametrize(
    "newer",
    [
        replace(NEWER, automatic=True),
        replace(NEWER, text="…"),
        replace(NEWER, internal=True),
        replace(NEWER, channel=Channel.CHAT),
        replace(NEWER, author=Person("8", "", "noreply@exemple.fr")),
    ],
)
def test_a_message_that_gets_no_draft_supersedes_nothing(newer: Message) -> None:
    assert reason(ticket(QUESTION, newer)) is None


def command(id: str, word: str, text: str = "") -> Message:
    return Message(id, Role.AGENT, AGENT, "@greffier", LATER, internal=True, command=Command(word, text))


def test_after_a_stop_nothing_is_drafted_until_an_agent_asks_again() -> None:
    assert reason(ticket(command("0", "stop"), QUESTION)) is SkipReason.STOPPED
    assert reason(ticket(command("8", "stop"), command("9", "encore"), QUESTION)) is None


def test_an_unknown_command_does_not_lift_a_stop() -> None:
    assert reason(ticket(command("8", "stop"), command("9", "aide"), QUESTION)) is SkipReason.STOPPED


def asked(*messages: Message, mode: Mode | None = Mode.DRAFT, **fields: Any) -> SkipReason | None:
    return triage_request(ticket(*messages, **fields), "9", Rules(mode, START, {Channel.EMAIL}))


ASKED = command("9", "encore")


@pytest.mark.parametrize(
    "about",
    [QUESTION, replace(QUESTION, channel=Channel.PHONE), replace(QUESTION, written_at=START - timedelta(days=1))],
)
def test_an_agent_may_ask_about_what_would_have_no_draft_by_itself(about: Message) -> None:
    assert asked(about, ASKED) is None


def test_an_agent_may_ask_again_after_an_answer() -> None:
    assert asked(QUESTION, ANSWER, ASKED) is None


def test_an_answer_that_follows_the_request_ends_it() -> None:
    assert asked(QUESTION, ASKED, ANSWER) is SkipReason.ANSWERED


@pytest.mark.parametrize("later", [command("10", "encore"), replace(NEWER, id="10")])
def test_what_follows_a_request_supersedes_it(later: Message) -> None:
    assert asked(QUESTION, ASKED, later) is SkipReason.SUPERSEDED


def test_a_stop_after_a_request_ends_it() -> None:
    assert asked(QUESTION, ASKED, command("10", "stop")) is SkipReason.STOPPED


def test_a_request_where_no_citizen_has_written_is_about_nothing() -> None:
    assert asked(replace(QUESTION, automatic=True), ASKED) is SkipReason.NOTHING_ASKED


def test_a_request_in_a_group_that_is_not_covered_is_left_alone() -> None:
    assert asked(QUESTION, ASKED, mode=None) is SkipReason.GROUP_NOT_COVERED


def test_a_request_in_a_closed_ticket_is_left_alone() -> None:
    assert asked(QUESTION, ASKED, state=TicketState.CLOSED) is SkipReason.TICKET_CLOSED
