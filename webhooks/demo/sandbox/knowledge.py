"""The knowledge base: one, in one language, with categories and answers."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

Visibility = Literal["public", "internal", "draft", "archived"]


@dataclass(frozen=True, slots=True)
class Category:
    """`parent_id` is that of the category it is in."""

    id: int
    title: str
    parent_id: int | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with its one translation and its text, which share its id here."""

    id: int
    category_id: int
    title: str
    body: str
    created_by_id: int
    created_at: datetime
    updated_at: datetime
    published_at: datetime | None = None
    internal_at: datetime | None = None
    archived_at: datetime | None = None
    tags: tuple[str, ...] = ()


@dataclass
class Knowledge:
    """What the base holds, by id; `clock` gives the moments."""

    clock: Callable[[], datetime]
    categories: dict[int, Category] = field(default_factory=dict)
    answers: dict[int, Answer] = field(default_factory=dict)
    _ids: Any = field(default_factory=lambda: itertools.count(1), repr=False)

    def add_category(self, title: str, parent: Category | None = None) -> Category:
        """A new category, at the top or in another one."""
        category = Category(next(self._ids), title, parent.id if parent else None, self.clock())
        self.categories[category.id] = category
        return category

    def add_answer(
        self, category: Category, title: str, body: str, visibility: Visibility = "public", *, author: int = 1
    ) -> Answer:
        """A new answer that is seen by everybody, by agents, or by editors alone."""
        now = self.clock()
        answer = Answer(next(self._ids), category.id, title, body, author, now, now)
        self.answers[answer.id] = answer
        return self.show(answer, visibility)

    def show(self, answer: Answer, visibility: Visibility) -> Answer:
        """Publish, archive or hide an answer, from now on."""
        now = self.clock()
        return self._put(
            replace(
                answer,
                published_at=now if visibility in ("public", "archived") else None,
                internal_at=now if visibility == "internal" else None,
                archived_at=now if visibility == "archived" else None,
            )
        )

    def write(self, answer: Answer, body: str) -> Answer:
        """An editor changes the text."""
        return self._put(replace(answer, body=body))

    def remove(self, answer: Answer) -> None:
        """An editor deletes the answer."""
        del self.answers[answer.id]

    def _put(self, answer: Answer) -> Answer:
        self.answers[answer.id] = replace(answer, updated_at=self.clock())
        return self.answers[answer.id]

    def visible(self, answer: Answer, *, editor: bool) -> bool:
        """Whether editors, or agents who read the knowledge base, see the answer."""
        now = self.clock()
        begun = any(start is not None and start <= now for start in (answer.published_at, answer.internal_at))
        return editor or (begun and (answer.archived_at is None or answer.archived_at > now))
