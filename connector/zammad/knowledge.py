"""The knowledge base of Zammad, read as a whole: Zammad tells nobody when an answer changes.

`POST knowledge_bases/init` gives every table without the texts, and the texts of the contents that it is asked for
besides (app/controllers/knowledge_bases_controller.rb; https://docs.zammad.org/en/latest/api/knowledgebase.html). The
permission `knowledge_base.reader` is enough. What an account may not see is left out of the answer without a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from connector.errors import RemoteError
from connector.rest import Rest
from connector.text import clean
from connector.ticket import Article
from connector.zammad.answers import read

BATCH = 500
"""Texts asked for at once: few times, since all tables come with them each time."""
INIT = "knowledge_bases/init"

_Shape = TypeVar("_Shape", bound=BaseModel)

# What stands for a video in a text (app/helpers/knowledge_base_rich_text_helper.rb).
_WIDGET = re.compile(r"\(\s*widget:[^()]{0,500}\)")


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    id: int


class _Base(_Row):
    active: bool = True


class _Locale(_Row):
    knowledge_base_id: int
    primary: bool = False


class _Category(_Row):
    knowledge_base_id: int
    parent_id: int | None = None


class _CategoryTitle(_Row):
    title: str
    category_id: int
    kb_locale_id: int


class _Answer(_Row):
    category_id: int
    updated_at: AwareDatetime
    published_at: AwareDatetime | None = None
    internal_at: AwareDatetime | None = None
    archived_at: AwareDatetime | None = None

    def shown(self, now: datetime, *, internal: bool) -> bool:
        """Whether it is published now; with `internal`, also whether agents may see it."""
        starts = [self.published_at, self.internal_at if internal else None]
        begun = any(start is not None and start <= now for start in starts)
        return begun and (self.archived_at is None or self.archived_at > now)

    def public(self, now: datetime) -> bool:
        """Whether everybody may see it."""
        return self.shown(now, internal=False)


class _Translation(_Row):
    title: str
    answer_id: int
    kb_locale_id: int
    content_id: int
    updated_at: AwareDatetime


class _Content(_Row):
    body: str | None = None


class _Assets(BaseModel):
    """The tables, rows by id. An empty base, and one that the account may not see, are an empty list."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    bases: dict[str, _Base] = Field(default={}, alias="KnowledgeBase")
    locales: dict[str, _Locale] = Field(default={}, alias="KnowledgeBaseLocale")
    categories: dict[str, _Category] = Field(default={}, alias="KnowledgeBaseCategory")
    category_titles: dict[str, _CategoryTitle] = Field(default={}, alias="KnowledgeBaseCategoryTranslation")
    answers: dict[str, _Answer] = Field(default={}, alias="KnowledgeBaseAnswer")
    translations: dict[str, _Translation] = Field(default={}, alias="KnowledgeBaseAnswerTranslation")


class _Texts(BaseModel):
    """The same answer where it is only asked for its texts."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    contents: dict[str, _Content] = Field(default={}, alias="KnowledgeBaseAnswerTranslationContent")


class _OfOneAnswer(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    assets: _Texts

    @field_validator("assets", mode="before")
    @classmethod
    def _none(cls, value: object) -> object:
        return value or {}


def articles(rest: Rest, url: str, *, locale: str, internal: bool) -> Iterator[Article]:
    """Each published answer in its base's main language, with those for agents alone if `internal`.

    `url` is where Zammad is opened, `locale` the language in the addresses of its pages. Raises `RemoteError`, also
    where there is nothing to read.
    """
    assets, now = _init(rest, _Assets, []), datetime.now(UTC)
    if not assets.answers:
        raise RemoteError(
            f"{rest.name}: no answer of a knowledge base can be read: there is none, or the account's role lacks"
            " knowledge_base.reader",
            permanent=True,
        )
    chosen = iter(_chosen(assets, now, internal=internal))
    while batch := list(islice(chosen, BATCH)):
        contents = _contents(rest, assets, batch)
        for translation in batch:
            answer = assets.answers[str(translation.answer_id)]
            page = f"{url.rstrip('/').removesuffix('/api/v1')}/help/{locale}/{answer.category_id}/{answer.id}"
            yield Article(
                id=str(answer.id),
                title=clean(translation.title),
                html=_WIDGET.sub(" ", contents[translation.content_id]),
                url=page if answer.public(now) else "",
                updated=max(answer.updated_at, translation.updated_at),
                locale=locale,
                path=_path(assets, answer.category_id, translation.kb_locale_id),
            )


def _init(rest: Rest, shape: type[_Shape], content_ids: list[int]) -> _Shape:
    answer = rest.post(INIT, {"answer_translation_content_ids": content_ids}).json
    return read(shape, answer or {}, source=f"{rest.name}: {INIT}")


def _chosen(assets: _Assets, now: datetime, *, internal: bool) -> Iterator[_Translation]:
    """One translation of each answer that is shown, in the main language of its base if there is one in it."""
    primary = {locale.id for locale in assets.locales.values() if locale.primary}
    by_answer: dict[int, _Translation] = {}
    for translation in sorted(assets.translations.values(), key=lambda row: (row.kb_locale_id not in primary, row.id)):
        by_answer.setdefault(translation.answer_id, translation)
    for answer in sorted(assets.answers.values(), key=lambda row: row.id):
        category = assets.categories.get(str(answer.category_id))
        base = assets.bases.get(str(category.knowledge_base_id)) if category else None
        active = base is None or base.active
        if active and answer.id in by_answer and answer.shown(now, internal=internal):
            yield by_answer[answer.id]


def _contents(rest: Rest, assets: _Assets, batch: list[_Translation]) -> dict[int, str]:
    """The texts by the ids of their contents; one that does not come with the others is asked for alone."""
    given = _init(rest, _Texts, [translation.content_id for translation in batch]).contents
    found = {content.id: content.body or "" for content in given.values()}
    for translation in batch:
        if translation.content_id not in found:
            found[translation.content_id] = _content(rest, assets, translation)
    return found


def _content(rest: Rest, assets: _Assets, translation: _Translation) -> str:
    category = assets.categories.get(str(assets.answers[str(translation.answer_id)].category_id))
    base = category.knowledge_base_id if category else 1
    path = f"knowledge_bases/{base}/answers/{translation.answer_id}"
    answer = rest.get(path, include_contents=translation.content_id).json
    contents = read(_OfOneAnswer, answer, source=f"{rest.name}: {path}").assets.contents
    if str(translation.content_id) not in contents:
        raise RemoteError(f"{rest.name}: {path} came without its text", permanent=False)
    return contents[str(translation.content_id)].body or ""


def _path(assets: _Assets, category_id: int, locale_id: int) -> tuple[str, ...]:
    """The titles of the categories from the outermost on, in that language or another."""
    titles: dict[int, str] = {}
    for row in sorted(assets.category_titles.values(), key=lambda row: row.kb_locale_id != locale_id):
        titles.setdefault(row.category_id, clean(row.title))
    path: list[str] = []
    seen: set[int] = set()
    category = assets.categories.get(str(category_id))
    while category and category.id not in seen:
        seen.add(category.id)
        if category.id in titles:
            path.insert(0, titles[category.id])
        category = assets.categories.get(str(category.parent_id))
    return tuple(path)
