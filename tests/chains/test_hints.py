"""Questions written for documents: once for each text, in parallel, gone on with after an interruption."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pytest

from chains.embedding import text_digest
from chains.hints import PROMPT, PROMPT_VERSION, Hinted, Hinter
from chains.model import chat_model
from connector.errors import RemoteError
from tests.chains.index_doubles import document
from webhooks.demo.model_answers import Fault, Script
from webhooks.demo.model_server import ModelServer

QUESTIONS = ("Où vendre ma moto ?", "Que faire de la carte grise ?")
SHEETS = [document(f"F{number}", f"Fiche {number}", f"Texte {number}.") for number in range(6)]


class MemoryHints:
    """A `HintCache` in a dictionary."""

    def __init__(self) -> None:
        self.questions: dict[tuple[str, str, str], tuple[str, ...]] = {}

    def get_many(self, model: str, version: str, digests: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        return {d: self.questions[model, version, d] for d in digests if (model, version, d) in self.questions}

    def put(self, model: str, version: str, digest: str, questions: Sequence[str]) -> None:
        self.questions[model, version, digest] = tuple(questions)


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(Script(text=json.dumps({"questions": [*QUESTIONS, QUESTIONS[0], "Une de trop ?"]}))) as server:
        yield server


def hinter(server: ModelServer, cache: MemoryHints, *, count: int = 3, at_once: int = 4) -> Hinter:
    model = chat_model(server.url, "", "modele-local", timeout=5, max_tokens=200)
    return Hinter(model, "modele-local", cache, count=count, at_once=at_once)


def test_the_text_is_tied_to_its_version() -> None:
    """If this fails, you changed the text: change PROMPT_VERSION too, and write the new pair down here."""
    prompt = PROMPT.invoke({"document": "", "count": 1}).to_string()
    assert (PROMPT_VERSION, text_digest(prompt)[:12]) == ("fr-1", "f42aa638b63c")


def test_each_document_gets_its_questions_once(server: ModelServer) -> None:
    cache = MemoryHints()
    assert list(hinter(server, cache).known(SHEETS)) == SHEETS
    assert hinter(server, cache).make(SHEETS) == Hinted(made=6)
    assert [found.mentions for found in hinter(server, cache).known(SHEETS)] == ["\n".join(QUESTIONS)] * 6
    assert hinter(server, cache).make(SHEETS) == Hinted()
    assert len(server.requests) == 6


def test_another_number_of_questions_is_asked_for_anew(server: ModelServer) -> None:
    cache = MemoryHints()
    hinter(server, cache).make(SHEETS[:1])
    assert hinter(server, cache, count=1).make(SHEETS[:1]) == Hinted(made=1)
    (found,) = hinter(server, cache, count=1).known(SHEETS[:1])
    assert found.mentions == QUESTIONS[0]


def test_questions_are_words_of_others_beside_those_that_are_there(server: ModelServer) -> None:
    cache, linked = MemoryHints(), replace(SHEETS[0], mentions="vendre sa moto")
    hinter(server, cache).make([linked])
    (found,) = hinter(server, cache).known([linked])
    assert found.mentions.splitlines() == ["vendre sa moto", *QUESTIONS]
    assert (found.text, found.passages) == (linked.text, linked.passages), "they are no text of it, and never shown"
    assert found.digest != linked.digest


class Meeting(MemoryHints):
    """Keeps the questions of a document once those of the others are about to be kept too."""

    def __init__(self, parties: int) -> None:
        super().__init__()
        self._all = threading.Barrier(parties, timeout=30)

    def put(self, model: str, version: str, digest: str, questions: Sequence[str]) -> None:
        self._all.wait()
        super().put(model, version, digest, questions)


def test_documents_are_asked_about_side_by_side(server: ModelServer) -> None:
    assert hinter(server, Meeting(6), at_once=6).make(SHEETS) == Hinted(made=6)


@pytest.mark.parametrize("script", [Script(text='{"questions": "Où ?"}'), Script(fault=Fault.LENGTH, text="{}")])
def test_a_document_without_an_answer_is_passed_over_and_tried_again_later(server: ModelServer, script: Script) -> None:
    cache, good = MemoryHints(), server.script
    server.script = script
    assert hinter(server, cache).make(SHEETS) == Hinted(failed=6)
    server.script = good
    assert hinter(server, cache).make(SHEETS) == Hinted(made=6)


def test_a_server_that_goes_away_ends_the_run_which_the_next_one_goes_on_with(server: ModelServer) -> None:
    cache = MemoryHints()
    hinter(server, cache).make(SHEETS[:4])
    good, server.script = server.script, Script(fault=Fault.BUSY)
    with pytest.raises(RemoteError):
        hinter(server, cache).make(SHEETS)
    server.script = good
    assert hinter(server, cache).make(SHEETS) == Hinted(made=2)
