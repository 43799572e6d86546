"""Answers that the organisation has validated before, as JSON Lines or CSV: one document for each answer.

The export of "Services Publics+" (the State's public register of citizens' experiences and the administrations'
answers) is known by its columns. Only the columns below are read: who asked is never indexed.
"""

from __future__ import annotations

import csv
import hashlib
import json
import logging
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from chains.corpora.chunks import Section
from chains.corpora.document import Document, cut_document
from chains.corpora.html import html_sections
from chains.corpora.plain import day, line, lines, visible
from chains.corpora.tables import encoding_of, separator_of
from connector.errors import ConfigurationError

log = logging.getLogger("greffier.corpus")

MAX_TITLE = 200
"""In characters: so much of a question is the title of its answer."""
MAX_ANSWER = 100_000
"""In characters; more is not an answer to a citizen."""

MAX_PERSON = 200
"""In characters; more is not a name, and would be looked for at length."""

QUESTION = ("question", "titre", "title", "objet", "sujet", "subject")
DETAIL = ("description", "message", "demande")
ANSWER = ("answer", "reponse", "response", "reply")
DATE = ("date", "ecrit le", "date de reponse", "publie le", "mis a jour le", "updated")
URL = ("url", "lien", "link")
THEME = ("theme", "categorie", "category", "rubrique", "intitule typologie 1")
ID = ("id", "identifiant", "numero", "reference")
PERSON = ("pseudonyme usager", "pseudonyme", "auteur", "author")
"""Names of columns, without accents and in lower case; the first that is there counts."""
STRUCTURES = 3
""""Services Publics+": so many administrations may answer, in the columns "Réponse structure 1" and so on."""

_HTML = re.compile(r"</?(?:p|br|li|ul|ol|div|a|strong)\b[^<>]*>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where a file has what: the names of its columns, empty where it has none."""

    question: str
    answers: tuple[tuple[str, str], ...]
    """The column of an answer, and that of who gave it."""
    detail: str
    date: str
    url: str
    theme: str
    id: str
    person: str


def read_answers(path: Path, *, corpus: str, unreadable: list[str], notes: list[str]) -> Iterator[Document]:
    """The answers in a file (.jsonl, .ndjson or .csv), or in all such files of a folder; each once.

    Rows without an answer are passed over. A row that cannot be read is left out: `unreadable` has its file, its line
    and the reason. `notes` has how many answers of a file were there before, or were cut. Raises ConfigurationError,
    with the columns that were looked for, if a file has no question or no answer.
    """
    files = sorted(f for f in path.rglob("*") if f.suffix.lower() in _READERS) if path.is_dir() else [path]
    if not files or not files[0].is_file() or files[0].suffix.lower() not in _READERS:
        raise ConfigurationError(f"{path} holds no answers: give a file {', '.join(_READERS)}, or a folder with some")
    taken: dict[str, str] = {}
    for file in files:
        again = cut = 0
        try:
            for number, row, columns in _READERS[file.suffix.lower()](file, unreadable):
                try:
                    for answer in _answers(row, columns):
                        cut += answer.cut
                        if id := _id(corpus, answer, taken):
                            yield answer.document(id, corpus)
                        else:
                            again += 1
                except ValueError as error:
                    log.warning("%s: line %s is left out: %s", file, number, error)
                    unreadable.append(visible(f"{file}: line {number}: {error}"))
        except OSError as error:
            raise ConfigurationError(f"{file} cannot be read: {error.strerror}") from None
        if again:
            notes.append(visible(f"{file}: {again} answers that were there before are left out"))
        if cut:
            notes.append(visible(f"{file}: {cut} answers are cut after {MAX_ANSWER} characters"))


@dataclass(frozen=True, slots=True)
class _Answer:
    """One answer of a row. `local` is what the file calls it, `place` which of a row's answers it is."""

    title: str
    sections: list[Section]
    url: str
    date: date | None
    theme: str
    local: str
    digest: str
    place: str
    cut: bool

    def document(self, id: str, corpus: str) -> Document:
        """As a document with that id."""
        return cut_document(
            self.sections, id=id, corpus=corpus, title=self.title, url=self.url, date=self.date, theme=self.theme
        )


def _id(corpus: str, answer: _Answer, taken: dict[str, str]) -> str:
    """The file's own id, or the digest of the text where another text has that; empty if this text was there before.

    Each file of a folder may number its rows from 1, and a "reference" may be that of a law.
    """
    for local in filter(None, (answer.local, answer.digest)):
        id = f"{corpus}:{local}{answer.place}"
        if taken.setdefault(id, "") == answer.digest:
            return ""
        if not taken[id]:
            taken[id] = answer.digest
            return id
    return ""


def _answers(row: Mapping[str, str], columns: _Columns) -> Iterator[_Answer]:
    """The answers of a row. Raises ValueError for one that is nested too deeply."""
    person = line(row.get(columns.person, ""))
    question, detail = (_without(person, line(row.get(name, ""))) for name in (columns.question, columns.detail))
    title = _cut(question or detail)
    url = row.get(columns.url, "").strip()
    asked = (f"Question : {_cut(detail)}",) if question and detail else ()
    for number, (answer, structure) in enumerate(columns.answers, start=1):
        whole = row.get(answer, "")
        text = _without(person, whole[:MAX_ANSWER])
        by = line(row.get(structure, ""))
        sections = _sections(text, (*asked, f"Réponse : {by}") if by else asked)
        if title and sections:
            yield _Answer(
                title,
                sections,
                url=url if url.startswith(("https://", "http://")) else "",
                date=day(row.get(columns.date)),
                theme=line(row.get(columns.theme, "")),
                local=line(row.get(columns.id, "")),
                digest=_digest(question, detail, text),
                place=f"/{number}" if len(columns.answers) > 1 else "",
                cut=len(whole) > MAX_ANSWER,
            )


def _sections(text: str, path: tuple[str, ...]) -> list[Section]:
    if _HTML.search(text):
        return html_sections(text, path)
    blocks = lines(text)
    return [Section(path, blocks)] if blocks else []


def _without(person: str, text: str) -> str:
    """The text without the name that its author had chosen, which answers begin with."""
    if not 2 < len(person) <= MAX_PERSON:
        return text
    return re.sub(rf"\b{re.escape(person)}\b", "[usager]", text, flags=re.IGNORECASE)


def _cut(text: str) -> str:
    if len(text) <= MAX_TITLE:
        return text
    return text[: MAX_TITLE - 1].rpartition(" ")[0] + "…"


def _digest(*texts: str) -> str:
    """An id that stays the same where the order of the rows changes."""
    return hashlib.sha256("\n".join(texts).encode(errors="replace")).hexdigest()[:16]


def _rows_of_csv(file: Path, unreadable: list[str]) -> Iterator[tuple[int, Mapping[str, str], _Columns]]:
    encoding = encoding_of(file)
    delimiter = separator_of(file, encoding)
    with file.open(encoding=encoding, errors="replace", newline="") as stream:
        reader = csv.DictReader(stream, delimiter=delimiter, restval="")
        try:
            columns = _columns(list(reader.fieldnames or ()), file)
            for row in reader:
                yield reader.line_num, row, columns
        except csv.Error as error:
            reason = f"from line {reader.line_num + 1} on: {error}"
            log.warning("%s is left out %s", file, reason)
            unreadable.append(visible(f"{file}: {reason}"))


def _rows_of_json(file: Path, unreadable: list[str]) -> Iterator[tuple[int, Mapping[str, str], _Columns]]:
    columns: _Columns | None = None
    with file.open(encoding=encoding_of(file), errors="replace") as stream:
        for number, text in enumerate(stream, start=1):
            try:
                given = json.loads(text) if text.strip() else None
                if given is None:
                    continue
                row = {str(name): _text(value) for name, value in given.items()}
            except (ValueError, AttributeError, RecursionError):
                log.warning("%s: line %s is left out: no JSON object", file, number)
                unreadable.append(visible(f"{file}: line {number}: no JSON object"))
                continue
            columns = columns or _columns(list(row), file)
            yield number, row, columns
    if columns is None:
        raise ConfigurationError(f"{file} has no line with a JSON object")


def _text(value: Any) -> str:
    return "" if value is None else str(value)


_READERS = {".csv": _rows_of_csv, ".jsonl": _rows_of_json, ".ndjson": _rows_of_json}


def _columns(names: Sequence[str], file: Path) -> _Columns:
    """The columns of a file. Raises ConfigurationError if it has no question or no answer."""
    known = {_bare(name): name for name in reversed(names)}

    def first(candidates: Sequence[str]) -> str:
        return next((known[name] for name in candidates if name in known), "")

    numbered = [(f"reponse structure {n}", f"intitule structure {n}") for n in range(1, STRUCTURES + 1)]
    answers = tuple((known[answer], known.get(by, "")) for answer, by in numbered if answer in known)
    answers = answers or tuple((name, "") for name in [first(ANSWER)] if name)
    question, detail = first(QUESTION), first(DETAIL)
    if not answers or not (question or detail):
        raise ConfigurationError(
            f"{file} has no columns of questions and answers. Looked for {', '.join((*QUESTION, *DETAIL))};"
            f" and {', '.join(ANSWER)}, Réponse structure 1. Found: {', '.join(names) or 'nothing'}"
        )
    return _Columns(question, answers, detail, first(DATE), first(URL), first(THEME), first(ID), first(PERSON))


def _bare(name: str) -> str:
    decomposed = unicodedata.normalize("NFD", line(name).casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).replace("_", " ")
