"""What is asked and searched for, from a ticket."""

from __future__ import annotations

from datetime import UTC, datetime

from chains.question import Question
from connector.ticket import Message, Person, Role, Ticket, TicketState

CITIZEN, AGENT = Person("7"), Person("3")
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def message(id: str, text: str, role: Role = Role.CUSTOMER) -> Message:
    return Message(id, role, CITIZEN if role is Role.CUSTOMER else AGENT, text, NOW)


def ask(*messages: Message, title: str = "Demande", instructions: tuple[str, ...] = ()) -> Question:
    ticket = Ticket("mairie", "12", title, "Accueil", TicketState.OPEN, CITIZEN, messages)
    return Question(ticket, messages[-1].id, instructions)


def test_a_query_has_the_subject_what_is_said_and_what_agents_asked_for() -> None:
    asked = ask(
        message("1", "Bonjour,\nMon bailleur garde le dépôt de garantie.\nCordialement\nLucette"),
        title="Re: Logement",
        instructions=("cite le délai",),
    )
    assert asked.query == "Logement\nMon bailleur garde le dépôt de garantie.\ncite le délai"


def test_a_short_answer_is_searched_for_with_what_the_citizen_wrote_before() -> None:
    first, again = message("1", "Bonjour, un passeport pour ma fille ?"), message("2", "Quel âge ?", Role.AGENT)
    assert ask(first, again, message("3", "Douze ans.")).query == "un passeport pour ma fille ?\nDouze ans."


def test_messages_that_wait_together_are_asked_about_apart() -> None:
    asked = ask(
        message("1", "Bonjour, combien coûte un passeport pour un enfant ?"),
        message("2", "Bonjour, faut-il une autorisation pour une clôture ?"),
    )
    assert asked.parts == ("combien coûte un passeport pour un enfant ?", "faut-il une autorisation pour une clôture ?")
    assert ask(message("1", "Combien coûte un passeport ?")).parts == ()
