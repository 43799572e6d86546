"""The knowledge base, as an account with `knowledge_base.reader` or `knowledge_base.editor` reads it.

Whoever has neither is shown the base without its answers where any is public, and an empty list where none is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, Response, jsonify, request

from webhooks.demo.sandbox.api.access import caller, the_store
from webhooks.demo.sandbox.api.parameters import ApiError, number, parameters
from webhooks.demo.sandbox.knowledge import Answer, Category, Knowledge
from webhooks.demo.sandbox.people import permits
from webhooks.demo.sandbox.shapes import stamp

routes = Blueprint("knowledge", __name__, url_prefix="/knowledge_bases")

BASE, LOCALE = 1, 1
"""The ids of the one base and of its one language."""


@routes.post("/init")
def init() -> Response:
    """All tables; of the texts those that are asked for by their ids, and that the caller may see."""
    knowledge = the_store().knowledge
    if not (_is_editor() or permits(caller().permissions, "knowledge_base.reader")):
        return jsonify(_base(knowledge) if any(answer.published_at for answer in knowledge.answers.values()) else [])
    asked = {number(id) for id in parameters().get("answer_translation_content_ids") or ()}
    answers = [answer for answer in knowledge.answers.values() if knowledge.visible(answer, editor=_is_editor())]
    return jsonify(_base(knowledge) | _categories(knowledge) | _tables(answers, asked))


@routes.get("/<int:base_id>/answers/<int:answer_id>")
def show(base_id: int, answer_id: int) -> Response:
    knowledge = the_store().knowledge
    answer = knowledge.answers.get(answer_id)
    if base_id != BASE or answer is None:
        raise ApiError(404, f"Couldn't find KnowledgeBase::Answer with 'id'={answer_id}")
    may_read = _is_editor() or permits(caller().permissions, "knowledge_base.reader")
    if not may_read or not knowledge.visible(answer, editor=_is_editor()):
        raise ApiError(403, "Not authorized")
    asked = {number(id) for id in request.args.get("include_contents", "").split(",")}
    return jsonify({"id": answer.id, "assets": _tables([answer], asked)})


def _is_editor() -> bool:
    return permits(caller().permissions, "knowledge_base.editor")


def _base(knowledge: Knowledge) -> dict[str, Any]:
    tops = [category.id for category in knowledge.categories.values()]
    base = {"id": BASE, "active": True, "custom_address": None, "kb_locale_ids": [LOCALE], "category_ids": tops}
    locale = {"id": LOCALE, "knowledge_base_id": BASE, "system_locale_id": 28, "primary": True}
    return {"KnowledgeBase": {str(BASE): base}, "KnowledgeBaseLocale": {str(LOCALE): locale}}


def _categories(knowledge: Knowledge) -> dict[str, Any]:
    categories = knowledge.categories.values()
    return {
        "KnowledgeBaseCategory": {str(one.id): _category(knowledge, one) for one in categories},
        "KnowledgeBaseCategoryTranslation": {
            str(one.id): {"id": one.id, "title": one.title, "kb_locale_id": LOCALE, "category_id": one.id}
            for one in categories
        },
    }


def _category(knowledge: Knowledge, category: Category) -> dict[str, Any]:
    return {
        "id": category.id,
        "knowledge_base_id": BASE,
        "parent_id": category.parent_id,
        "category_icon": "f115",
        "position": 0,
        "created_at": stamp(category.created_at),
        "updated_at": stamp(category.created_at),
        "translation_ids": [category.id],
        "answer_ids": [answer.id for answer in knowledge.answers.values() if answer.category_id == category.id],
        "child_ids": [child.id for child in knowledge.categories.values() if child.parent_id == category.id],
    }


def _tables(answers: Iterable[Answer], asked: set[int]) -> dict[str, Any]:
    """The tables of answers; one that would be empty is not there."""
    shown = list(answers)
    tables = {
        "KnowledgeBaseAnswer": {str(answer.id): _answer(answer) for answer in shown},
        "KnowledgeBaseAnswerTranslation": {str(answer.id): _translation(answer) for answer in shown},
        "KnowledgeBaseAnswerTranslationContent": {
            str(answer.id): {"id": answer.id, "body": answer.body, "attachments": []}
            for answer in shown
            if answer.id in asked
        },
    }
    return {name: table for name, table in tables.items() if table}


def _answer(answer: Answer) -> dict[str, Any]:
    return {
        "category_id": answer.category_id,
        "position": 0,
        "archived_at": stamp(answer.archived_at),
        "internal_at": stamp(answer.internal_at),
        "published_at": stamp(answer.published_at),
        "id": answer.id,
        "promoted": False,
        "internal_note": None,
        "archived_by_id": answer.created_by_id if answer.archived_at else None,
        "internal_by_id": answer.created_by_id if answer.internal_at else None,
        "published_by_id": answer.created_by_id if answer.published_at else None,
        "created_at": stamp(answer.created_at),
        "updated_at": stamp(answer.updated_at),
        "translation_ids": [answer.id],
        "attachments": [],
        "tags": list(answer.tags),
    }


def _translation(answer: Answer) -> dict[str, Any]:
    return {
        "id": answer.id,
        "title": answer.title,
        "kb_locale_id": LOCALE,
        "answer_id": answer.id,
        "content_id": answer.id,
        "created_by_id": answer.created_by_id,
        "updated_by_id": answer.created_by_id,
        "created_at": stamp(answer.created_at),
        "updated_at": stamp(answer.updated_at),
    }
