"""Zammad's knowledge base: read from the sandbox as the contract says, and from scripts of what may go wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connector.errors import RemoteError
from connector.helpdesk import HasKnowledge
from connector.ticket import Article
from connector.zammad import knowledge
from connector.zammad.client import Zammad
from tests.connector.replay import Neighbour, Reply
from tests.connector.zammad.recordings import zammad
from webhooks.demo.sandbox import Sandbox

INIT = "/api/v1/knowledge_bases/init"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox().start() as sandbox:
        yield sandbox


@pytest.fixture
def base(sandbox: Sandbox) -> Any:
    return sandbox.store.knowledge


@pytest.fixture
def helpdesk(sandbox: Sandbox) -> Zammad:
    return zammad(sandbox.url, token=sandbox.token)


def titles(helpdesk: Zammad, *, internal: bool = False) -> list[str]:
    return [article.title for article in helpdesk.articles(internal=internal)]


def test_zammad_has_knowledge(helpdesk: Zammad) -> None:
    assert isinstance(helpdesk, HasKnowledge)


def test_an_article_comes_with_its_text_its_public_page_and_its_categories(
    helpdesk: Zammad, base: Any, sandbox: Sandbox
) -> None:
    city = base.add_category("Urbanisme")
    category = base.add_category("Travaux", city)
    answer = base.add_answer(category, "Déclaration\u00a0préalable", "<p>De 5 à 20 m².</p>( widget: video, id: 1 )")
    (found,) = helpdesk.articles()
    assert found == Article(
        id=str(answer.id),
        title="Déclaration préalable",
        html="<p>De 5 à 20 m².</p> ",
        url=f"{sandbox.url}/help/fr-fr/{category.id}/{answer.id}",
        updated=answer.updated_at,
        locale="fr-fr",
        path=("Urbanisme", "Travaux"),
    )


def test_articles_for_agents_come_only_if_they_are_asked_for_and_have_no_public_page(
    helpdesk: Zammad, base: Any
) -> None:
    category = base.add_category("Urbanisme")
    for visibility in ("public", "internal", "draft", "archived"):
        base.add_answer(category, visibility, "<p>x</p>", visibility)
    assert titles(helpdesk) == ["public"]
    assert titles(helpdesk, internal=True) == ["public", "internal"]
    assert [article.url for article in helpdesk.articles(internal=True)][1] == ""


def test_an_admins_key_is_given_drafts_and_we_leave_them_out(sandbox: Sandbox, base: Any) -> None:
    category = base.add_category("Urbanisme")
    base.add_answer(category, "public", "x")
    base.add_answer(category, "draft", "x", "draft")
    base.add_answer(category, "archived", "x", "archived")
    assert titles(zammad(sandbox.url, token=sandbox.admin_token), internal=True) == ["public"]


def test_a_change_and_a_removal_are_seen_by_the_next_reading(helpdesk: Zammad, base: Any) -> None:
    category = base.add_category("Urbanisme")
    first, second = (base.add_answer(category, title, "avant") for title in ("un", "deux"))
    base.write(first, "après")
    base.remove(second)
    (found,) = helpdesk.articles()
    assert found.html == "après"
    assert found.updated >= first.updated_at


def test_hundreds_of_articles_are_read_in_portions(
    helpdesk: Zammad, base: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(knowledge, "BATCH", 7)
    category = base.add_category("Urbanisme")
    for number in range(30):
        base.add_answer(category, f"{number}", f"texte {number}")
    assert [article.html for article in helpdesk.articles()] == [f"texte {number}" for number in range(30)]


def test_a_base_that_may_not_be_read_is_an_error_and_not_an_empty_base(sandbox: Sandbox, base: Any) -> None:
    base.add_answer(base.add_category("Urbanisme"), "public", "x")
    customer = sandbox.tokens["jeanne.vauquelin@exemple.example"]
    with pytest.raises(RemoteError, match=r"knowledge_base\.reader") as caught:
        titles(zammad(sandbox.url, token=customer))
    assert caught.value.permanent


def test_no_base_at_all_is_an_error(helpdesk: Zammad, sandbox: Sandbox) -> None:
    with pytest.raises(RemoteError, match="there is none"):
        titles(helpdesk)
    with pytest.raises(RemoteError, match="there is none"):
        titles(zammad(sandbox.url, token=sandbox.tokens["jeanne.vauquelin@exemple.example"]))


def assets(**tables: Any) -> dict[str, Any]:
    """A base with one answer in two languages, as its tables."""
    day = "2026-06-10T08:00:00.000Z"
    answer = {"id": 7, "category_id": 2, "published_at": day, "archived_at": None, "updated_at": day}
    translation = {"answer_id": 7, "updated_at": day}
    given = {
        "KnowledgeBase": [{"id": 3, "active": True}],
        "KnowledgeBaseLocale": [{"id": 1, "knowledge_base_id": 3}, {"id": 2, "knowledge_base_id": 3, "primary": True}],
        "KnowledgeBaseCategory": [{"id": 2, "knowledge_base_id": 3, "parent_id": None}],
        "KnowledgeBaseCategoryTranslation": [{"id": 1, "title": "Town", "category_id": 2, "kb_locale_id": 1}],
        "KnowledgeBaseAnswer": [answer],
        "KnowledgeBaseAnswerTranslation": [
            translation | {"id": 8, "title": "Permit", "kb_locale_id": 1, "content_id": 18},
            translation | {"id": 9, "title": "Permis", "kb_locale_id": 2, "content_id": 19},
        ],
        "KnowledgeBaseAnswerTranslationContent": [{"id": 19, "body": "Un texte."}],
    } | tables
    return {name: {str(row["id"]): row for row in rows} for name, rows in given.items()}


def test_an_answer_in_two_languages_is_read_in_the_main_one(server: Neighbour) -> None:
    server.on("POST", INIT, Reply(assets()))
    assert [(article.title, article.html) for article in zammad(server.url).articles()] == [("Permis", "Un texte.")]
    assert [call.json["answer_translation_content_ids"] for call in server.calls] == [[], [19]]


def test_the_tables_are_read_once_however_many_texts_there_are(server: Neighbour) -> None:
    later = assets() | {"KnowledgeBaseAnswer": {"7": "not looked at again"}}
    server.on("POST", INIT, Reply(assets()), Reply(later))
    assert [article.html for article in zammad(server.url).articles()] == ["Un texte."]


def test_a_base_that_is_switched_off_is_not_read(server: Neighbour) -> None:
    server.on("POST", INIT, Reply(assets(KnowledgeBase=[{"id": 3, "active": False}])))
    assert titles(zammad(server.url)) == []


def test_a_text_that_does_not_come_with_the_others_is_asked_for_alone(server: Neighbour) -> None:
    server.on("POST", INIT, Reply(assets(KnowledgeBaseAnswerTranslationContent=[])))
    alone = {"KnowledgeBaseAnswerTranslationContent": {"19": {"id": 19, "body": "Seul."}}}
    server.on("GET", "/api/v1/knowledge_bases/3/answers/7?include_contents=19", Reply({"id": 7, "assets": alone}))
    server.on("GET", "/api/v1/knowledge_bases/3/answers/7", Reply({"id": 7, "assets": alone}))
    assert [article.html for article in zammad(server.url).articles()] == ["Seul."]


def test_categories_that_are_in_each_other_end(server: Neighbour) -> None:
    server.on("POST", INIT, Reply(assets(KnowledgeBaseCategory=[{"id": 2, "knowledge_base_id": 3, "parent_id": 2}])))
    assert [article.path for article in zammad(server.url).articles()] == [("Town",)]


@pytest.mark.parametrize("answer", [{"KnowledgeBaseAnswer": {"7": {"id": "secret"}}}, "secret", [1]])
def test_an_unknown_answer_is_an_outage_and_says_nothing_of_what_it_held(server: Neighbour, answer: Any) -> None:
    server.on("POST", INIT, Reply(answer))
    with pytest.raises(RemoteError, match="an unknown answer") as caught:
        titles(zammad(server.url))
    assert not caught.value.permanent
    assert "secret" not in str(caught.value)
