from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from connector.markup import render
from connector.ticket import Note, Span

NOTE = Note(
    reference="gr-7f3a9c21",
    subject="Projet de réponse",
    banner=((Span("AI-generated", strong=True),), (Span("À relire avant envoi."),)),
    body=(
        (Span("Bonjour Madame,"),),
        (
            Span("Le duplicata est remis "),
            Span("sous un mois", marked=True),
            Span(" "),
            Span("[1]", href="https://a.example/x?a=1&b=2"),
        ),
    ),
    sources=((Span("[1] "), Span("Livret", href="https://a.example/x")), (Span("[2] Acte"),)),
    footer=((Span("réf. gr-7f3a9c21"),),),
)


def note_of(*spans: Span) -> Note:
    return Note(reference="r", subject="s", banner=(), body=(spans,))


class Tags(HTMLParser):
    """Every tag with its attributes, as a browser would see them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def test_a_note_reads_in_the_order_of_its_sections() -> None:
    words = re.sub(r"<[^>]+>", " ", render(NOTE)).split()
    places = [words.index(word) for word in ("AI-generated", "Bonjour", "Livret", "réf.")]
    assert places == sorted(places)


def test_the_banner_is_a_table_of_one_coloured_cell() -> None:
    first = Tags(render(NOTE)).seen[:5]
    assert [tag for tag, _ in first] == ["div", "table", "tbody", "tr", "td"]
    assert "background-color:#fff4d6" in (first[4][1]["style"] or "")
    assert "border-left:5px solid #b45309" in (first[4][1]["style"] or "")


def test_paragraphs_are_parted_by_an_empty_line() -> None:
    assert "<div>Bonjour Madame,</div><br>\n<div>Le duplicata" in render(NOTE)


def test_a_citation_is_a_link_and_its_address_is_escaped() -> None:
    assert '<a href="https://a.example/x?a=1&amp;b=2" rel="nofollow noreferrer noopener">[1]</a>' in render(NOTE)


def test_a_doubtful_span_has_a_sign_beside_its_colour() -> None:
    assert "<mark>sous un mois ⚠</mark>" in render(NOTE)


def test_the_language_is_named() -> None:
    assert Tags(render(NOTE)).seen[0] == ("div", {"lang": "fr"})


def test_only_what_zammad_and_glpi_keep_is_written() -> None:
    for tag, attributes in Tags(render(NOTE)).seen:
        assert tag in {"div", "table", "tbody", "tr", "td", "b", "br", "mark", "a"}
        assert set(attributes) <= {"a": {"href", "rel"}, "td": {"style"}, "table": {"style"}, "div": {"lang"}}.get(
            tag, set()
        )


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        '<a data-mention-user-id="5" href="https://x.example">',
        '"><svg onload=alert(1)>',
        "</div></td></table><h1>",
        "&lt;b&gt;",
    ],
)
def test_the_text_of_a_span_is_never_markup(text: str) -> None:
    expected = [tag for tag, _ in Tags(render(note_of(Span("x")))).seen]
    assert [tag for tag, _ in Tags(render(note_of(Span(text)))).seen] == expected


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "//x.example",
        "/api/v1/users/1",
        "#ancre",
        "mailto:x@y.example",
        "https:x",
        "https://[",
        "",
    ],
)
def test_an_address_that_is_not_http_is_no_link(href: str) -> None:
    html = render(note_of(Span("texte", href=href)))
    assert "<a" not in html
    assert "texte" in html


def test_an_address_cannot_leave_its_attribute() -> None:
    html = render(note_of(Span("x", href='https://a.example/" onclick="alert(1)')))
    assert all(set(attributes) <= {"href", "rel", "lang"} for _, attributes in Tags(html).seen)


def test_control_and_half_characters_are_not_written() -> None:
    assert "a?b" in render(note_of(Span("a\x00\ud800\u202eb")))


def test_a_language_cannot_leave_its_attribute() -> None:
    note = Note(reference="r", subject="s", banner=(), body=((Span("x"),),), language='fr" style="x')
    assert set(Tags(render(note)).seen[0][1]) == {"lang"}
