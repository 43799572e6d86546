"""The whole line, with real processes: a delivery in, a note out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system import System, system, wait_until

pytestmark = pytest.mark.server

QUESTION = "Mon propriétaire ne m'a pas rendu le dépôt de garantie. Quel est le délai ?"


@pytest.fixture
def greffier(tmp_path: Path, database_url: str) -> Iterator[System]:
    with system(tmp_path, database_url) as running:
        yield running


def test_a_citizens_message_becomes_an_internal_note(greffier: System) -> None:
    greffier.start_web()
    greffier.start("worker")
    ticket, _ = greffier.sandbox.write_as_customer("Dépôt de garantie", QUESTION)
    wait_until(lambda: greffier.states() == ["posted"])
    (note,) = greffier.sandbox.notes(ticket)
    assert note.internal
    assert "AI-generated" in note.body
