"""Retrieval measured on questions whose right documents are known: what is read, searched and kept of a run.

The figures are made in `chains.measures`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chains.essence import essence, language
from chains.query import questions, searches
from chains.retrieval import HybridRetriever
from connector.errors import ConfigurationError

DEPTH = 30
"""How many documents are kept of each question."""

Ranked = Callable[[str], Iterable[tuple[str, float]]]
"""A search: documents by id with their scores, best first, for a question."""

_SEPARATOR = re.compile("[/:]")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A question with the names of the documents that answer it, see `name_of`, and where it comes from."""

    question: str
    relevant: frozenset[str]
    source: str

    @property
    def key(self) -> str:
        """What a saved run knows it by: its text, which may be a citizen's, is not written down."""
        return hashlib.sha256(f"{self.source}\n{self.question}".encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class Run:
    """What a store found for each question, by the question's key: the names of the first documents."""

    store: str
    found: Mapping[str, Sequence[str]]


def name_of(document: str) -> str:
    """The last part of a document's id: the sheets of several audiences that share it count as one."""
    return _SEPARATOR.split(document)[-1]


def read_questions(file: Path, limit: int | None = None) -> list[Labelled]:
    """The questions of a file of JSON Lines, at most `limit` of each source.

    A line is `{"question": "...", "relevant": ["F123", ...], "source": "..."}`. Raises ConfigurationError.
    """
    taken: Counter[str] = Counter()
    labelled = []
    for number, line in _lines(file):
        if not line.strip():
            continue
        question = _question(line, f"{file}, line {number}")
        taken[question.source] += 1
        if limit is None or taken[question.source] <= limit:
            labelled.append(question)
    if not labelled:
        raise ConfigurationError(f"{file}: there is no question in it")
    return labelled


def of_drafts(retriever: HybridRetriever) -> Ranked:
    """The search of the drafts, a question being a whole message. No model is asked to translate."""

    def ranked(message: str) -> list[tuple[str, float]]:
        said = essence(message)
        return retriever.ranked(searches(said, questions(said), language(message)))

    return ranked


def search(
    labelled: Sequence[Labelled], ranked: Ranked, progress: Callable[[int], None] = lambda done: None
) -> dict[str, list[str]]:
    """The names of the first documents found for each question, by its key; `progress` is told how many are done.

    A name that is there twice counts where it came first. Raises what `ranked` raises.
    """
    found = {}
    for done, question in enumerate(labelled, 1):
        names = (name_of(document) for document, _ in ranked(question.question))
        found[question.key] = list(dict.fromkeys(names))[:DEPTH]
        progress(done)
    return found


def save(run: Run, file: Path) -> None:
    """Keep a run, to compare others with. Raises ConfigurationError where it cannot be written."""
    try:
        file.write_text(json.dumps({"store": run.store, "found": run.found}), "utf-8")
    except OSError as error:
        raise ConfigurationError(f"--save: {error}") from None


def load(file: Path) -> Run:
    """A run that was kept. Raises ConfigurationError where it is something else."""
    try:
        content = json.loads(file.read_text("utf-8"))
        found = {str(key): [str(name) for name in names] for key, names in content["found"].items()}
        return Run(str(content["store"]), found)
    except OSError as error:
        raise ConfigurationError(f"--compare: {error}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ConfigurationError(f"--compare: {file} is not a run that --save has written") from None


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    try:
        with file.open(encoding="utf-8") as lines:
            yield from enumerate(lines, 1)
    except OSError as error:
        raise ConfigurationError(f"--questions: {error}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"--questions: {file} is not text in UTF-8") from None


def _question(line: str, where: str) -> Labelled:
    try:
        content: Any = json.loads(line)
    except ValueError as error:
        raise ConfigurationError(f"{where}: not JSON: {error}") from None
    if not isinstance(content, dict):
        raise ConfigurationError(f'{where}: not an object with "question", "relevant" and "source"')
    for name in ("question", "source"):
        if not isinstance(content.get(name), str) or not content[name].strip():
            raise ConfigurationError(f'{where}: "{name}" must be a text that is not empty')
    relevant = content.get("relevant")
    if not isinstance(relevant, list) or not relevant or not all(isinstance(one, str) and one for one in relevant):
        raise ConfigurationError(f'{where}: "relevant" must be a list of the ids of documents, at least one')
    return Labelled(content["question"], frozenset(map(name_of, relevant)), content["source"])
