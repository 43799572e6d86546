from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from chains.draft import Abstention, AbstentionReason, Draft, Passage, Statement, Warning
from connector.markup import render, render_reply
from connector.ticket import Line, Note
from webhooks.config.drafting import ReplySettings
from webhooks.freshness import Freshness
from webhooks.note import LOCALE, STOPPED, UNKNOWN_COMMAND, Writer

FAMILY_BOOK = Passage("a", "F1", "Livret de famille", (), "…", "https://service-public.example/F1", date(2020, 8, 13))
DEPOSIT = Passage("b", "F2", "Dépôt de garantie", (), "…", "https://service-public.example/F2")
SURE = Statement("Le bailleur rend le dépôt.", (1,))
DOUBTFUL = Statement("Il a 15 jours pour le faire.", (1,), (Warning.UNSUPPORTED_FIGURE,), ("15 jours",))
OTHER = Statement("Demandez un duplicata en mairie.", (0,))


def note(
    *statements: Statement,
    asked_in: str = "fr",
    language: str = "fr",
    reply: ReplySettings | None = None,
    replaces: str | None = None,
) -> Note:
    draft = Draft(statements, (FAMILY_BOOK, DEPOSIT), "fr", "modele", "v1")
    return Writer(language, reply or ReplySettings()).answer(draft, "gr-1234567890", asked_in, replaces)


def text(line: Line) -> str:
    return "".join(span.text for span in line).strip()


def test_the_banner_says_what_it_is_in_the_words_that_agents_are_told() -> None:
    banner = text(note(SURE).banner[0])
    assert banner == "AI-generated · Projet de réponse préparé par une IA, à relire avant envoi"


def test_the_note_can_be_in_english_while_the_draft_stays_french() -> None:
    english = note(SURE, language="en")
    assert "to be reviewed before sending" in text(english.banner[0])
    assert "Le bailleur rend le dépôt." in text(english.body[1])


def test_a_message_in_another_language_is_said_to_be() -> None:
    assert text(note(SURE, asked_in="en").banner[1]) == "Le message est dans une autre langue que ce projet."


def test_the_draft_stands_between_greeting_closing_and_mention() -> None:
    lines = [text(line) for line in note(SURE).body]
    assert lines[0] == "Bonjour,"
    assert lines[-2] == "Cordialement,"
    assert lines[-1].startswith("Cette réponse a été préparée avec l'aide d'une intelligence artificielle")


def test_an_empty_mention_leaves_no_line() -> None:
    assert [text(line) for line in note(SURE, reply=ReplySettings(mention="")).body][-1] == "Cordialement,"


def test_a_signature_stands_between_closing_and_mention_in_the_note_and_in_the_text_to_send() -> None:
    written = note(SURE, reply=ReplySettings(signature="Service de l'état civil\n01 99 00 12 34", mention="Mention."))
    for lines in (written.body, written.reply):
        assert [text(line) for line in lines][-3:] == [
            "Cordialement,",
            "Service de l'état civil\n01 99 00 12 34",
            "Mention.",
        ]


def test_citations_are_links_to_the_sheets() -> None:
    links = [(span.text, span.href) for span in note(SURE).body[1] if span.href]
    assert links == [("[2]", "https://service-public.example/F2")]


def test_what_follows_from_the_same_sheet_makes_one_paragraph() -> None:
    paragraphs = [text(line) for line in note(SURE, DOUBTFUL, OTHER).body[1:-2]]
    assert paragraphs == [
        "Le bailleur rend le dépôt. [2] Il a 15 jours pour le faire. [2]",
        "Demandez un duplicata en mairie. [1]",
    ]


def test_what_no_sheet_proves_is_marked_where_it_stands_and_named_in_the_banner() -> None:
    written = note(DOUBTFUL)
    assert [span.text for span in written.body[1] if span.marked] == ["15 jours"]
    assert text(written.banner[1]) == "⚠ À vérifier : « 15 jours » n'est dans aucune des fiches citées."


def test_two_passages_of_one_sheet_are_one_source() -> None:
    again = replace(FAMILY_BOOK, id="c")
    draft = Draft(
        (OTHER, Statement("Il faut une pièce d'identité.", (2,))), (FAMILY_BOOK, DEPOSIT, again), "fr", "m", "v"
    )
    written = Writer("fr", ReplySettings()).answer(draft, "gr-1", "fr")
    assert text(written.body[1]) == "Demandez un duplicata en mairie. [1] Il faut une pièce d'identité. [1]"
    assert len(written.sources) == 2


def test_sources_carry_title_link_and_date() -> None:
    first, second = note(SURE).sources
    assert text(first) == "[1] Livret de famille, à jour au 13/08/2020"
    assert text(second) == "[2] Dépôt de garantie"
    assert first[1].href == FAMILY_BOOK.url


@pytest.mark.parametrize("url", ["", "file:///srv/notes/conges.odt", "javascript:alert(1)"])
def test_a_sheet_without_an_address_is_shown_to_the_agent_alone_and_without_a_link(url: str) -> None:
    inner = replace(DEPOSIT, title="Note interne : impayés", url=url)
    written = Writer("fr", ReplySettings()).answer(
        Draft((SURE, OTHER), (FAMILY_BOOK, inner), "fr", "m", "v"), "g", "fr"
    )
    assert text(written.sources[1]) == "[2] Note interne : impayés"
    assert render(written).count("<a ") == 2, "of the first sheet: its number and its title"
    assert "[2] Note interne : impayés" in render(written)
    assert "Pour en savoir plus :\n- Livret de famille" in "\n".join(map(text, written.reply))
    assert "Note interne" not in render_reply(written)


def test_where_no_sheet_has_an_address_nothing_announces_links() -> None:
    draft = Draft((replace(SURE, passages=(0,)),), (replace(DEPOSIT, url=""),), "fr", "m", "v")
    written = Writer("fr", ReplySettings()).answer(draft, "gr-1", "fr")
    assert "Pour en savoir plus" not in render_reply(written)


def test_the_footer_tells_model_prompt_and_reference() -> None:
    assert text(note(SURE).footer[0]) == "modele · consignes v1 · gr-1234567890"


@pytest.mark.parametrize("reason", AbstentionReason)
def test_an_abstention_is_two_lines_and_no_text_to_send(reason: AbstentionReason) -> None:
    written = Writer("fr", ReplySettings()).answer(Abstention(reason, (FAMILY_BOOK,), "fr"), "gr-1", "fr")
    assert (len(written.banner), written.body, written.sources) == (2, (), ())
    assert "gr-1" in text(written.banner[1])


def test_the_compiled_translations_are_those_of_the_source() -> None:
    folder = LOCALE / "fr" / "LC_MESSAGES"
    with (folder / "greffier.po").open("rb") as po, (folder / "greffier.mo").open("rb") as mo:
        source, compiled = read_po(po), read_mo(mo)
    assert {m.id: m.string for m in source if m.id} == {m.id: m.string for m in compiled if m.id}


def test_every_text_of_the_code_is_translated() -> None:
    from babel.messages.extract import extract_from_file

    with (LOCALE / "fr" / "LC_MESSAGES" / "greffier.po").open("rb") as po:
        known = {message.id for message in read_po(po) if message.id and message.string}
    found = extract_from_file("python", LOCALE.parent / "note.py", keywords={"_": None})
    used = {message for _, message, _, _ in found}
    assert used == known


def test_a_draft_that_replaces_another_names_it_in_the_banner() -> None:
    assert text(note(SURE, replaces="gr-0").banner[1]) == "Il remplace le projet gr-0, qui n'est plus à utiliser."


def test_the_clean_text_has_no_numbers_and_ends_with_the_sheets_links() -> None:
    lines = note(SURE, OTHER).reply
    assert [text(line) for line in lines][1:3] == ["Le bailleur rend le dépôt.", "Demandez un duplicata en mairie."]
    assert "[1]" not in "".join(map(text, lines))
    assert [span.href for line in lines for span in line if span.href] == [FAMILY_BOOK.url, DEPOSIT.url]
    assert text(lines[-1]).startswith("Cette réponse a été préparée avec l'aide")


def test_the_clean_text_may_go_without_links() -> None:
    assert not [span for line in note(SURE, reply=ReplySettings(links="")).reply for span in line if span.href]


def test_what_is_doubtful_stays_marked_in_the_clean_text() -> None:
    assert [span.text for line in note(DOUBTFUL).reply for span in line if span.marked] == ["15 jours"]


@pytest.mark.parametrize("reason", [STOPPED, UNKNOWN_COMMAND, "nothing_asked", "ticket_closed", "group_off"])
@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_notice_is_one_line_that_bears_its_mark(reason: str, language: str) -> None:
    notice = Writer(language, ReplySettings()).notice("gr-1", reason, "resume")
    assert (len(notice.banner), notice.body, notice.reply) == (1, (), ())
    assert text(notice.banner[0]).endswith("(gr-1)")
    assert ("resume" in text(notice.banner[0])) is (reason == UNKNOWN_COMMAND)


def test_a_call_without_a_word_is_told_the_words() -> None:
    said = text(Writer("fr", ReplySettings()).notice("gr-1", UNKNOWN_COMMAND, "").banner[0])
    assert said.startswith("« @greffier encore")


def with_freshness(freshness: Freshness) -> Note:
    old = replace(FAMILY_BOOK, document="sheets:F1", date=datetime.now(UTC).date() - timedelta(days=366))
    new = replace(DEPOSIT, document="sheets:F2", date=datetime.now(UTC).date() - timedelta(days=365))
    draft = Draft((SURE, OTHER), (old, new), "fr", "modele", "v1")
    return Writer("fr", ReplySettings(), freshness).answer(draft, "gr-1", "fr")


def test_a_sheet_older_than_its_source_allows_is_flagged_in_the_banner_and_at_its_line() -> None:
    written = with_freshness(Freshness({"sheets": 365, "others": 1}))
    assert [text(line) for line in written.banner[1:]] == [
        "⚠ À vérifier : « Livret de famille » : mise à jour il y a plus de 12 mois."
    ]
    first, second = written.sources
    assert text(first).endswith(" · mise à jour il y a plus de 12 mois : à vérifier")
    assert first[-1].marked
    assert not any(span.marked for span in second)


def test_a_limit_of_some_days_is_told_in_days() -> None:
    assert "plus de 14 jours" in text(with_freshness(Freshness({"sheets": 14})).banner[1])


def test_a_sheet_whose_page_is_gone_is_flagged() -> None:
    written = with_freshness(Freshness(gone=lambda urls: frozenset(urls) & {DEPOSIT.url}))
    assert [text(line) for line in written.banner[1:]] == [
        "⚠ À vérifier : « Dépôt de garantie » : sa page n'existe plus."
    ]
    assert text(written.sources[1]).endswith(" · sa page n'existe plus : à vérifier")


def test_without_a_limit_no_sheet_is_flagged() -> None:
    assert len(with_freshness(Freshness({"others": 1})).banner) == 1
