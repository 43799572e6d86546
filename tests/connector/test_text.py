from __future__ import annotations

import pytest

from connector.text import MAX_TEXT, clean, from_html, message_text
from tests.connector.replay import recorded


def written(name: str) -> str:
    article = recorded(name)["body_parsed"]["article"]
    return message_text(article["body"], is_html=article["content_type"] == "text/html")


def test_a_quoted_thread_is_left_out() -> None:
    text = written("webhook_customer_followup_email_quoted")
    assert text.endswith("Est-ce que cela suffit ?\n\nMerci\nLucien")


def test_a_signature_is_left_out() -> None:
    assert written("webhook_new_ticket_email_latin1_plain").endswith("Que dois-je faire ?")


def test_paragraphs_and_lists_of_html_stay_lines() -> None:
    assert written("webhook_new_ticket_web_html") == (
        "Bonjour,\n\nJ’ai perdu le livret de famille lors de notre déménagement & je dois en fournir une copie "
        "avant le 15 décembre.\n* Faut-il une déclaration de perte ?\n* Quel est le délai ?\nMerci,\nJeanne Vauquelin"
    )


def test_an_html_mail_loses_markup_and_signature() -> None:
    text = written("webhook_new_ticket_email_html_attachments")
    assert text.endswith("Ma référence est EC/2026/1187.\n\nVoir la fiche pratique.")


@pytest.mark.parametrize(
    "header",
    [
        "Le ven. 20 nov. 2026 à 11:30, Guichet <g@v.example> a écrit :",
        "Le ven. 20 nov. 2026 à 11:30, Guichet <\ng@v.example> a écrit :",
        "On Fri, Nov 20, 2026 at 11:30 AM Guichet <g@v.example> wrote:",
    ],
)
def test_an_answer_below_the_quote_is_kept(header: str) -> None:
    assert message_text(f"Bonjour,\n\n{header}\n> Avez-vous la pièce ?\n\nOui, la voici.", is_html=False) == (
        "Bonjour,\n\nOui, la voici."
    )


def test_an_outlook_thread_is_left_out() -> None:
    thread = (
        "________________________________\nDe : Guichet\nEnvoyé : lundi\nÀ : moi\nObjet : RE: acte\n\nBonjour Madame"
    )
    assert message_text(f"Voici la pièce.\n\n{thread}", is_html=False) == "Voici la pièce."


def test_a_forwarded_mail_alone_is_kept() -> None:
    text = "-----Message d'origine-----\nDe : Mairie\nEnvoyé : lundi\nObjet : refus\n\nVotre demande est refusée."
    assert "Votre demande est refusée." in message_text(text, is_html=False)


def test_a_list_with_hyphens_is_no_signature() -> None:
    text = "Je dois fournir :\n- un acte de naissance\n- un justificatif\nJe n'ai que le premier."
    assert message_text(text, is_html=False) == text


@pytest.mark.parametrize("last", ["Au fait, et le passeport ?", "PS : je pars le 3 août."])
def test_what_is_asked_below_the_closing_words_is_kept(last: str) -> None:
    text = f"J'ai perdu ma carte.\n\nCordialement,\nJeanne\n\n{last}"
    assert message_text(text, is_html=False).endswith(last)


@pytest.mark.parametrize("text", ["> seulement une citation", "-- \nJeanne Vauquelin", "Cordialement"])
def test_a_message_is_never_emptied(text: str) -> None:
    assert message_text(text, is_html=False) == text.replace(" \n", "\n")


def test_a_telephone_signs_nothing() -> None:
    assert message_text("Où faire ma carte ?\n\nEnvoyé de mon iPhone", is_html=False) == "Où faire ma carte ?"


def test_odd_spaces_and_invisible_characters_become_plain() -> None:
    assert message_text("Quel d\u00e9lai\u202f?\u200b\n\u00a0 e\u0301tat\u00ad civil\x00", is_html=False) == (
        "Quel délai ?\nétat civil"
    )


def test_scripts_styles_and_comments_are_no_text() -> None:
    markup = "<style>p{}</style><script>vol()</script><!-- <b>caché</b> --><p onclick='x'>Bonjour</p>"
    assert from_html(markup) == "Bonjour"


def test_rows_of_a_table_are_lines_without_padding() -> None:
    assert from_html("<table><tr><td>Nom</td><td>Béraud</td></tr><tr><td>Lieu</td></tr></table>") == (
        "Nom Béraud\nLieu"
    )


def test_a_long_message_is_cut() -> None:
    assert len(message_text("x" * 100_000, is_html=False)) == MAX_TEXT


def test_a_line_for_stores_has_no_line_ends_and_half_characters() -> None:
    assert clean(" Acte\r\nde\x00 naissance \ud800", 20) == "Acte de naissance ?"


HOSTILE_MARKUP = {
    "nested": "<p>avant</p>" + "<div>" * 250_000 + "fin",
    "nested lists": "<ul>" * 500 + "<li>a" * 100_000,
    "nested tables": "<table><tr><td>" * 100_000 + "fin",
    "attributes": "<a " + " ".join(f"a{number}=1" for number in range(150_000)) + ">fin",
    "open comments": "<!--" * 300_000,
    "open tags": "<a " * 400_000,
    "open quotes": '<a x="' * 250_000,
    "brackets": "<" * 1_500_000,
    "entities": "&a" * 700_000,
    "wide table": "<table><tr><td>" + "x" * 10_000 + "</td></tr>" + "<tr><td>a</td></tr>" * 60_000 + "</table>",
    "half characters": "<p>\ud800\x00</p>",
    "empty": "",
}


# Each of these once took minutes in a parser or a pattern; the suite's own time limit is the judge.
@pytest.mark.timeout(30)
@pytest.mark.parametrize("markup", HOSTILE_MARKUP.values(), ids=HOSTILE_MARKUP)
def test_hostile_html_is_read_in_bounded_time(markup: str) -> None:
    assert len(message_text(markup, is_html=True)) <= MAX_TEXT


@pytest.mark.parametrize("depth", [300, 3_000])
def test_text_below_deep_nesting_is_not_lost(depth: int) -> None:
    assert from_html("<p>avant</p>" + "<div>" * depth + "milieu" + "</div>" * depth + "<p>fin</p>").split() == [
        "avant",
        "milieu",
        "fin",
    ]


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "text",
    [
        "Le " * 50_000,
        "On On " * 50_000,
        "\n" * 50_000,
        "From:\n" * 20_000,
        "De :\n\n" * 20_000,
        "> " * 50_000,
        "*" * 49_000 + "x",
    ],
)
def test_hostile_mail_is_read_in_bounded_time(text: str) -> None:
    assert len(message_text(text, is_html=False)) <= MAX_TEXT


def test_an_answer_below_a_quoted_mail_is_kept_and_the_mail_is_not() -> None:
    body = (
        '<div class="moz-cite-prefix">Le 12/03/2026 à 10:00, Mairie a écrit :</div>'
        '<blockquote type="cite"><div>Le duplicata coûte 999 euros.</div></blockquote><div>Et pour ma fille ?</div>'
    )
    assert message_text(body, is_html=True) == "Et pour ma fille ?"


def test_a_message_that_is_all_quoted_keeps_its_text() -> None:
    assert "999 euros" in message_text('<blockquote type="cite">Il coûte 999 euros.</blockquote>', is_html=True)
