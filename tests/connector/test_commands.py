from __future__ import annotations

import pytest

from connector.commands import LONGEST, command_of
from connector.ticket import Command


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("@greffier encore", Command("encore")),
        ("  @Greffier : STOP", Command("stop")),
        ("@greffier encore, plus court", Command("encore", "plus court")),
        ("@greffier\nencore\nplus court\net sans dates", Command("encore", "plus court\net sans dates")),
        ("@greffier", Command("")),
        ("@greffier !", Command("", "!")),
    ],
)
def test_a_note_that_begins_with_our_name_is_a_command(text: str, command: Command) -> None:
    assert command_of(text) == command


@pytest.mark.parametrize(
    "text", ["", "Demande à @greffier encore", "@greffiers encore", "greffier encore", "@ greffier"]
)
def test_any_other_note_is_none(text: str) -> None:
    assert command_of(text) is None


def test_an_instruction_has_its_limit() -> None:
    command = command_of("@greffier encore " + "a" * 5000)
    assert command is not None
    assert len(command.text) == LONGEST
