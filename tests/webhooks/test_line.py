"""What agents and citizens do while a draft is made: commands, answers, further messages, moves, merges, closings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from chains.question import Question
from connector.errors import RemoteError
from connector.ticket import EventKind
from tests.webhooks.work import QUESTION, Work

pytestmark = pytest.mark.server


def meanwhile(line: Work, monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Let something happen while the model writes."""
    draft = line.worker._line._draft

    def slowly(question: Question) -> object:
        answer = draft(question)
        act()
        return answer

    monkeypatch.setattr(line.worker._line, "_draft", slowly)


# --- what ends a draft in progress


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (lambda line, ticket: line.sandbox.reply_as_agent(ticket, "Un mois."), "answered"),
        (lambda line, ticket: line.sandbox.close(ticket), "ticket_closed"),
        (lambda line, ticket: line.sandbox.move(ticket, "Urbanisme"), "group_off"),
        (lambda line, ticket: line.sandbox.note_as_agent(ticket, "@greffier stop"), "stopped"),
        (lambda line, ticket: line.sandbox.write_as_customer("", "Encore moi.", ticket_id=ticket), "superseded"),
        (lambda line, ticket: line.sandbox.merge(ticket, line.sandbox.write_as_customer("x", "y")[0]), "gone"),
    ],
    ids=["answered", "closed", "moved", "stopped", "superseded", "merged"],
)
def test_what_happens_during_drafting_keeps_the_note_back(
    line: Work, monkeypatch: pytest.MonkeyPatch, act: Callable[[Work, int], object], reason: str
) -> None:
    ticket, key = line.message()
    meanwhile(line, monkeypatch, lambda: act(line, ticket))
    line.handle(key)
    assert (line.end(key), line.notes(ticket)) == (("skipped", reason), [])


PROFILES = """
[[profile]]
groups = ["État civil"]
organisation = "mairie"
signature = "L'état civil"
[[profile]]
groups = ["Urbanisme"]
organisation = "agglo"
signature = "L'urbanisme"
"""


def test_a_ticket_that_is_moved_during_drafting_is_drafted_again_within_what_its_new_group_may_see(
    line: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.greffier.config.write_text(line.greffier.config.read_text("utf-8") + PROFILES, "utf-8")
    line.configure('groups = { "État civil" = "draft", "Urbanisme" = "draft" }')
    ticket, key = line.message()
    within: list[str] = []
    draft = line.worker._line._draft

    def slowly(question: Question) -> object:
        within.append(question.profile.within.organisation)
        answer = draft(question)
        line.sandbox.move(ticket, "Urbanisme")
        return answer

    monkeypatch.setattr(line.worker._line, "_draft", slowly)
    line.handle(key)
    (note,) = line.notes(ticket)
    assert (within, "L'urbanisme" in note.replace("&#39;", "'").replace("&#x27;", "'")) == (["mairie", "agglo"], True)
    assert line.entry(key).group_name == "Urbanisme"


@pytest.mark.parametrize(("group", "shown"), [("Urbanisme", False), ("État civil", True)])
def test_a_rejected_draft_is_shown_to_the_model_only_where_its_group_may_see_as_much(
    line: Work, group: str, shown: bool
) -> None:
    line.greffier.config.write_text(line.greffier.config.read_text("utf-8") + PROFILES, "utf-8")
    line.configure('groups = { "État civil" = "draft", "Urbanisme" = "draft" }')
    ticket, key = line.message()
    line.handle(key)
    line.sandbox.move(ticket, group)
    line.handle(line.command(ticket, "@greffier encore plus court"))
    assert "plus court" in line.asked()[-1]
    assert ("(aucun)" not in line.asked()[-1]) == shown


def test_a_newer_message_is_answered_together_with_the_one_before(line: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket, first = line.message(text="Combien de temps pour le dépôt de garantie ?")
    _, second = line.message(text="J'ai oublié : c'est un meublé.", ticket_id=ticket)
    line.handle(first, second)
    assert (line.end(first), line.end(second)) == (("skipped", "superseded"), ("posted", None))
    assert all(words in line.asked()[-1] for words in ("Combien de temps", "un meublé"))
    assert len(line.notes(ticket)) == 1


def test_the_note_of_a_newer_message_says_which_draft_it_replaces(line: Work) -> None:
    ticket, first = line.message()
    line.handle(first)
    _, second = line.message(text="Et la caution du garant ?", ticket_id=ticket)
    line.handle(second)
    assert f"Il remplace le projet {line.entry(first).reference}" in line.notes(ticket)[1]


def test_once_an_agent_has_answered_nothing_is_replaced(line: Work) -> None:
    ticket, first = line.message()
    line.handle(first)
    line.handle(line.reply(ticket))
    _, second = line.message(text="Et la caution du garant ?", ticket_id=ticket)
    line.handle(second)
    assert "Il remplace" not in line.notes(ticket)[1]


# --- commands


def test_an_agent_gets_another_draft_with_all_that_was_asked_for_in_the_ticket(line: Work) -> None:
    ticket, key = line.message()
    line.handle(key)
    first = line.command(ticket, "@greffier encore plus court")
    line.handle(first)
    second = line.command(ticket, "@greffier encore, cite le délai d'un mois")
    line.handle(second)
    assert [line.end(one)[0] for one in (first, second)] == ["posted", "posted"]
    assert all(words in line.asked()[-1] for words in ("plus court", "cite le délai d'un mois", "Projet précédent"))
    assert f"Il remplace le projet {line.entry(first).reference}" in line.notes(ticket)[2]


def test_a_message_that_comes_late_does_not_take_the_place_of_the_draft_that_was_asked_for(line: Work) -> None:
    ticket, article = line.sandbox.write_as_customer("Dépôt de garantie", QUESTION)
    again = line.command(ticket, "@greffier encore plus court")
    line.handle(again)
    late = line.accept(ticket, article)
    line.handle(late)
    assert (line.end(late), len(line.notes(ticket))) == (("skipped", "superseded"), 1)


def test_a_request_is_done_once(line: Work) -> None:
    ticket, key = line.message()
    line.handle(key)
    again = line.command(ticket, "@greffier encore")
    line.handle(again, again)
    assert len(line.notes(ticket)) == 2


def test_an_answer_during_a_second_draft_keeps_its_note_back(line: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket, _ = line.sandbox.write_as_customer("Dépôt de garantie", QUESTION)
    again = line.command(ticket, "@greffier encore")
    meanwhile(line, monkeypatch, lambda: line.sandbox.reply_as_agent(ticket, "Un mois."))
    line.handle(again)
    assert (line.end(again), line.notes(ticket)) == (("skipped", "answered"), [])


def test_after_stop_the_ticket_gets_no_more_drafts_until_an_agent_asks(line: Work) -> None:
    ticket, key = line.message()
    stop = line.command(ticket, "@greffier stop")
    line.handle(stop, key)
    assert (line.end(stop), line.end(key)) == (("posted", "stopped"), ("skipped", "stopped"))
    assert "ne propose plus de projet" in line.notes(ticket)[0]
    again = line.command(ticket, "@greffier encore")
    line.handle(again)
    assert (line.end(again)[0], len(line.notes(ticket))) == ("posted", 2)


@pytest.mark.parametrize("words", ["@greffier aide", "@greffier", "@greffier : <script>alert(1)</script>"])
def test_an_unknown_word_is_answered_with_one_line_of_help(line: Work, words: str) -> None:
    ticket, _ = line.sandbox.write_as_customer("Dépôt de garantie", QUESTION)
    key = line.command(ticket, words)
    line.handle(key, key)
    (help,) = line.notes(ticket)
    assert line.end(key) == ("posted", "unknown_command")
    assert "@greffier encore" in help
    assert "<script" not in help


def test_a_request_in_a_closed_ticket_is_told_why_it_leads_nowhere(line: Work) -> None:
    ticket, _ = line.sandbox.write_as_customer("Dépôt de garantie", QUESTION)
    line.sandbox.close(ticket)
    key = line.command(ticket, "@greffier encore")
    line.handle(key)
    assert line.end(key) == ("posted", "ticket_closed")
    assert "le ticket est clos" in line.notes(ticket)[0]


def test_a_note_that_only_might_have_been_a_command_is_left_alone(line: Work) -> None:
    ticket, _ = line.sandbox.write_as_customer("Dépôt de garantie", QUESTION)
    key = line.command(ticket, "À demander à @greffier ?")
    line.handle(key)
    assert (line.end(key), line.notes(ticket)) == (("skipped", "not_a_command"), [])


def test_a_request_that_was_merged_away_is_done_where_it_stands_now(line: Work) -> None:
    other, _ = line.sandbox.write_as_customer("Caution", "Bonjour, et la caution ?")
    ticket, _ = line.sandbox.write_as_customer("Dépôt de garantie", QUESTION)
    key = line.command(ticket, "@greffier encore plus court")
    line.sandbox.merge(ticket, other)
    line.handle(key)
    assert line.end(key) == ("skipped", "gone")
    line.sweep()
    line.handle(key)
    assert (line.end(key), len(line.notes(other))) == (("posted", None), 1)


# --- tickets


def test_a_ticket_that_is_moved_into_a_covered_group_is_drafted_there(line: Work) -> None:
    ticket, article = line.sandbox.write_as_customer("Dépôt de garantie", QUESTION, group="Urbanisme")
    skipped = line.accept(ticket, article)
    line.handle(skipped)
    assert line.end(skipped) == ("skipped", "group_off")
    line.sandbox.move(ticket, "État civil")
    line.handle(line.accept(ticket, article, EventKind.TICKET), skipped)
    assert (line.end(skipped), len(line.notes(ticket))) == (("posted", None), 1)


def test_a_moved_ticket_that_nobody_had_announced_is_drafted(line: Work) -> None:
    ticket, article = line.sandbox.write_as_customer("Dépôt de garantie", QUESTION, group="Urbanisme")
    line.sandbox.move(ticket, "État civil")
    line.handle(line.accept(ticket, article, EventKind.TICKET))
    line.handle(f"sandbox:{article}:message")
    assert len(line.notes(ticket)) == 1


ELSEWHERE = "Ressources humaines"  # where Greffier's account may read nothing


def test_a_message_whose_ticket_was_moved_out_of_reach_is_left_to_its_new_group(line: Work) -> None:
    ticket, key = line.message()
    line.sandbox.move(ticket, ELSEWHERE)
    line.handle(key)
    assert line.end(key) == ("skipped", "group_not_covered")
    line.sandbox.move(ticket, "État civil")
    line.sweep()
    line.handle(key)
    assert line.end(key) == ("posted", None)


@pytest.mark.parametrize(
    ("kind", "end"),
    [
        (EventKind.TICKET, ("skipped", "group_not_covered")),
        (EventKind.COMMAND, ("skipped", "group_not_covered")),
        (EventKind.REPLY, ("done", None)),
    ],
)
def test_whatever_is_told_of_a_ticket_out_of_reach_ends_quietly(
    line: Work, kind: EventKind, end: tuple[str, str | None]
) -> None:
    line.configure("offer_draft = true")
    ticket, article = line.sandbox.write_as_customer("Dépôt de garantie", QUESTION, group=ELSEWHERE)
    key = line.accept(ticket, article, kind)
    line.handle(key)
    assert line.end(key) == end


def test_a_message_whose_ticket_was_deleted_is_gone(line: Work) -> None:
    ticket, key = line.message()
    line.sandbox.delete(ticket)
    line.handle(key)
    assert line.end(key) == ("skipped", "gone")


def test_a_right_that_is_missing_on_a_covered_group_is_no_move(line: Work) -> None:
    line.configure(f'groups = {{ "État civil" = "draft", "{ELSEWHERE}" = "draft" }}')
    _, key = line.message(ELSEWHERE)
    line.handle(key)
    state, reason = line.end(key)
    assert state == "dead"
    assert "lacks a right" in str(reason)


def test_a_reply_is_kept_and_asks_for_no_note(line: Work) -> None:
    ticket, _ = line.sandbox.write_as_customer("Dépôt de garantie", QUESTION)
    key = line.reply(ticket)
    line.handle(key)
    assert (line.end(key), line.notes(ticket)) == (("done", None), [])


@pytest.mark.parametrize(("type", "reason"), [("phone", "channel_off"), ("email", None), ("chat", "channel_off")])
def test_the_way_of_a_message_decides_with_the_settings(line: Work, type: str, reason: str | None) -> None:
    _, key = line.message(type=type)
    line.handle(key)
    assert line.end(key)[1] == reason


def test_a_call_that_an_agent_typed_is_drafted_where_the_settings_say_so(line: Work) -> None:
    line.configure('channels = ["phone"]')
    _, key = line.message(type="phone")
    line.handle(key)
    assert line.end(key) == ("posted", None)


def test_a_robots_message_leaves_a_reason_and_no_note(line: Work) -> None:
    ticket, key = line.message(type="email", preferences={"is-auto-response": True, "send-auto-response": False})
    line.handle(key)
    assert (line.end(key), line.notes(ticket)) == (("skipped", "automatic"), [])


# --- the draft in the editor


@pytest.fixture
def offering(line: Work) -> Work:
    line.configure("offer_draft = true")
    return line


def test_the_clean_text_is_offered_in_the_editor(offering: Work) -> None:
    ticket, key = offering.message()
    offering.handle(key)
    draft = offering.sandbox.shared_draft(ticket)
    assert draft is not None
    body = str(draft.new_article["body"])
    assert (draft.new_article["type"], draft.new_article["internal"]) == ("email", False)
    assert "jeanne.vauquelin@exemple.example" in str(draft.new_article["to"])
    assert body.startswith("<div><div>Bonjour,</div>")
    assert "AI-generated" not in body
    assert 'href="https://' in body
    assert draft.ticket_attributes == {}


def test_a_bounce_that_comes_after_the_message_is_not_what_the_draft_is_addressed_to(offering: Work) -> None:
    ticket, key = offering.message()
    robot, told = "Mail Delivery System <mailer-daemon@exemple.example>", {"is-auto-response": True}
    offering.sandbox.write_as_customer(
        "Undelivered", "...", customer=robot, ticket_id=ticket, type="email", preferences=told
    )
    for ask in (lambda: key, lambda: offering.command(ticket, "@greffier encore")):
        offering.sandbox.discard_shared_draft(ticket)
        offering.handle(ask())
        draft = offering.sandbox.shared_draft(ticket)
        assert draft is not None
        assert "jeanne.vauquelin@exemple.example" in str(draft.new_article["to"])


def test_without_the_setting_nothing_is_offered(line: Work) -> None:
    ticket, key = line.message()
    line.handle(key)
    assert line.sandbox.shared_draft(ticket) is None


def test_a_draft_of_a_person_is_never_overwritten(offering: Work) -> None:
    ticket, key = offering.message()
    offering.sandbox.edit_shared_draft(ticket, "À moi")
    offering.handle(key)
    draft = offering.sandbox.shared_draft(ticket)
    assert draft is not None
    assert draft.new_article["body"] == "À moi"
    assert offering.end(key) == ("posted", None)


def test_a_draft_that_a_person_has_touched_is_neither_replaced_nor_withdrawn(offering: Work) -> None:
    ticket, key = offering.message()
    offering.handle(key)
    offering.sandbox.edit_shared_draft(ticket, "Corrigé")
    _, newer = offering.message(text="Et la caution ?", ticket_id=ticket)
    offering.handle(newer, offering.reply(ticket))
    draft = offering.sandbox.shared_draft(ticket)
    assert draft is not None
    assert draft.new_article["body"] == "Corrigé"


def test_when_the_citizen_writes_again_the_old_draft_is_taken_back_before_the_new_one(
    offering: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket, key = offering.message()
    offering.handle(key)
    _, newer = offering.message(text="Et la caution ?", ticket_id=ticket)
    seen: list[object] = []
    meanwhile(offering, monkeypatch, lambda: seen.append(offering.sandbox.shared_draft(ticket)))
    offering.handle(newer)
    assert seen == [None]
    assert offering.sandbox.shared_draft(ticket) is not None


@pytest.mark.parametrize("act", ["reply", "stop"])
def test_the_draft_is_withdrawn_when_it_is_of_no_use_any_more(offering: Work, act: str) -> None:
    ticket, key = offering.message()
    offering.handle(key)
    offering.handle(offering.reply(ticket) if act == "reply" else offering.command(ticket, "@greffier stop"))
    assert offering.sandbox.shared_draft(ticket) is None


def test_a_group_without_shared_drafts_is_offered_none(offering: Work) -> None:
    group = offering.sandbox.store.group("État civil")
    assert group is not None
    offering.sandbox.store.groups[group.id] = replace(group, shared_drafts=False)
    ticket, key = offering.message()
    offering.handle(key)
    assert (offering.sandbox.shared_draft(ticket), offering.end(key)) == (None, ("posted", None))


def test_a_draft_that_an_agent_sends_is_an_answer(offering: Work) -> None:
    ticket, key = offering.message()
    offering.handle(key)
    article = offering.sandbox.send_shared_draft(ticket)
    offering.handle(offering.accept(ticket, article, EventKind.REPLY))
    again = offering.command(ticket, "@greffier stop")
    offering.handle(again)
    assert offering.end(again) == ("posted", "stopped")


def test_a_helpdesk_that_refuses_shared_drafts_does_not_keep_notes_back(
    offering: Work, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    helpdesk = offering.worker._line._desks["sandbox"].helpdesk

    def refuse(*_: object, **__: object) -> bool:
        raise RemoteError("shared_draft answered 500", permanent=False, status=500)

    monkeypatch.setattr(helpdesk, "offer_draft", refuse)
    monkeypatch.setattr(helpdesk, "withdraw_draft", refuse)
    ticket, key = offering.message()
    offering.handle(key)
    assert (offering.end(key), len(offering.notes(ticket))) == (("posted", None), 1)
    assert "could not be withdrawn" in caplog.text
    assert "could not be offered" in caplog.text


def test_a_helpdesk_that_is_away_is_waited_for_before_a_draft_is_withdrawn(
    offering: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> bool:
        raise RemoteError("no answer in time", permanent=False)

    monkeypatch.setattr(offering.worker._line._desks["sandbox"].helpdesk, "withdraw_draft", away)
    ticket, _ = offering.sandbox.write_as_customer("Dépôt de garantie", QUESTION)
    reply = offering.reply(ticket)
    offering.handle(reply)
    assert offering.end(reply)[0] == "accepted"
