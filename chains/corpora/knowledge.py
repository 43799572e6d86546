"""A helpdesk's own knowledge base. Its articles are given: chains call no helpdesk."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

from chains.corpora.document import Document, cut_document
from chains.corpora.html import html_sections
from chains.corpora.plain import visible
from connector.ticket import Article

log = logging.getLogger("greffier.corpus")


def read_knowledge(articles: Iterable[Article], *, corpus: str, unreadable: list[str]) -> Iterator[Document]:
    """A document for each article that has a text; its theme is the outermost category that it is in.

    One that cannot be read is left out: the log says why, and `unreadable` has its id.
    """
    for article in articles:
        try:
            sections = html_sections(article.html)
        except ValueError as error:
            log.warning("article %s is left out: %s", article.id, error)
            unreadable.append(visible(f"article {article.id}: {error}"))
            continue
        document = cut_document(
            sections,
            id=f"{corpus}:{article.id}",
            corpus=corpus,
            title=article.title,
            url=article.url,
            date=article.updated.date(),
            theme=article.path[0] if article.path else "",
        )
        if document.passages:
            yield document
