"""Articles of a helpdesk's knowledge base."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from chains.corpora.knowledge import read_knowledge
from connector.ticket import Article

ARTICLE = Article(
    id="7",
    title="Déclaration préalable",
    html="<p>De 5&nbsp;à 20&nbsp;m².</p><h2>Pièces</h2><ul><li>un plan</li></ul>",
    url="https://help.town.test/help/fr-fr/2/7",
    updated=datetime(2026, 11, 3, 9, 12, tzinfo=UTC),
    locale="fr-fr",
    path=("Urbanisme", "Travaux"),
)


def test_an_article_is_a_document_with_its_headings_as_paths() -> None:
    (found,) = read_knowledge([ARTICLE], corpus="kb", unreadable=[])
    assert (found.id, found.corpus, found.title) == ("kb:7", "kb", "Déclaration préalable")
    assert (found.url, found.date, found.theme) == (ARTICLE.url, date(2026, 11, 3), "Urbanisme")
    assert found.passages[0].text == "De 5 à 20 m².\nPièces : - un plan"


def test_an_article_without_text_is_left_out() -> None:
    assert list(read_knowledge([replace(ARTICLE, html="<p> </p>")], corpus="kb", unreadable=[])) == []


def test_an_article_that_cannot_be_read_is_named_and_the_others_are_read() -> None:
    unreadable: list[str] = []
    deep = replace(ARTICLE, id="8", html="<div>" * 50_000)
    assert len(list(read_knowledge([deep, ARTICLE], corpus="kb", unreadable=unreadable))) == 1
    assert unreadable == ["article 8: its elements are nested too deeply"]


def test_what_a_database_refuses_is_in_no_document() -> None:
    article = replace(ARTICLE, id="7\0", title="Ti\0tre", html="<p>a\0b</p>", path=("Ur\0ba",), url="https://t.test/\0")
    (found,) = read_knowledge([article], corpus="kb", unreadable=[])
    assert (found.id, found.title, found.theme, found.url) == ("kb:7", "Titre", "Urba", "https://t.test/")
    assert found.passages[0].text == "ab"
