"""The documents of a configured source, whatever its kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from chains.corpora.answers import read_answers
from chains.corpora.document import Document
from chains.corpora.files import read_files
from chains.corpora.knowledge import read_knowledge
from chains.corpora.service_public import read_service_public
from chains.corpora.travail import read_travail
from connector.errors import ConfigurationError
from connector.helpdesk import HasKnowledge, Helpdesk
from webhooks.config.corpora import Kind, SourceSettings, helpdesk_of

Helpdesks = Mapping[str, Callable[[], Helpdesk]]
"""How the client of each configured helpdesk is made, by its name."""
_Reader = Callable[[str, SourceSettings, Helpdesks, list[str], list[str]], Iterator[Document]]


def documents(
    name: str, source: SourceSettings, helpdesks: Helpdesks, skipped: list[str], notes: list[str]
) -> Iterator[Document]:
    """The documents of a source; `skipped` is told of those that cannot be read, `notes` of what is never read.

    Raises ConfigurationError, which names the setting, where there is nothing to read; RemoteError of a helpdesk.
    """
    try:
        for document in _READERS[source.kind](name, source, helpdesks, skipped, notes):
            audience = document.audience if source.audience is None else source.audience
            yield replace(document, organisation=source.organisation, audience=audience)
    except ConfigurationError as error:
        raise ConfigurationError(f"sources.{name}: {error}") from None
    except OSError as error:
        raise ConfigurationError(
            f"sources.{name}.path: {error.filename or source.path}: {error.strerror or error}"
        ) from None


def _service_public(
    name: str, source: SourceSettings, _: Helpdesks, skipped: list[str], notes: list[str]
) -> Iterator[Document]:
    return read_service_public(_path(source), corpus=name, unreadable=skipped)


def _travail(
    name: str, source: SourceSettings, _: Helpdesks, skipped: list[str], notes: list[str]
) -> Iterator[Document]:
    return read_travail(_path(source), corpus=name, unreadable=skipped)


def _answers(
    name: str, source: SourceSettings, _: Helpdesks, skipped: list[str], notes: list[str]
) -> Iterator[Document]:
    return read_answers(_path(source), corpus=name, unreadable=skipped, notes=notes)


def _files(name: str, source: SourceSettings, _: Helpdesks, skipped: list[str], notes: list[str]) -> Iterator[Document]:
    return read_files(_path(source), corpus=name, unreadable=skipped, notes=notes, base_url=source.base_url or "")


def _knowledge(
    name: str, source: SourceSettings, helpdesks: Helpdesks, skipped: list[str], notes: list[str]
) -> Iterator[Document]:
    given = helpdesk_of(source, helpdesks) or ""
    helpdesk = helpdesks[given]()
    if not isinstance(helpdesk, HasKnowledge):
        raise ConfigurationError(f"helpdesk: {given} has no knowledge base that Greffier can read")
    return read_knowledge(helpdesk.articles(internal=source.internal), corpus=name, unreadable=skipped)


_READERS: dict[Kind, _Reader] = {
    Kind.SERVICE_PUBLIC: _service_public,
    Kind.TRAVAIL: _travail,
    Kind.ANSWERS: _answers,
    Kind.FILES: _files,
    Kind.KNOWLEDGE: _knowledge,
}


def _path(source: SourceSettings) -> Path:
    """The settings see to it that there is one."""
    if source.path is None or not source.path.exists():
        raise ConfigurationError(f"path: {source.path} does not exist on this machine")
    return source.path
