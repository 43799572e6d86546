"""The macros that set-up creates in Zammad, and what a note of theirs asks of Greffier.

A macro is known by the subject of the note that it adds, whoever its author is: the classic pages write it in the
agent's name, the new ones in that of System (Zammad 5.2 seen running; app/models/ticket/perform_changes, 7.x).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Macro:
    """A macro by the name that agents choose; `subject` and `body` are those of its internal note."""

    name: str
    subject: str
    body: str
    word: str
    """The command that it stands for, as after `@greffier`."""


MACROS = (
    Macro(
        name="Greffier : nouvelle rédaction",
        subject="Greffier : nouvelle rédaction demandée",
        body="Merci de proposer une nouvelle rédaction.",
        word="encore",
    ),
    Macro(
        name="Greffier : ne plus rédiger",
        subject="Greffier : plus de projet demandé",
        body="Merci de ne plus proposer de projet dans ce ticket.",
        word="stop",
    ),
)


def macro_of(subject: str | None) -> Macro | None:
    """The macro that a note of that subject comes from."""
    return next((macro for macro in MACROS if macro.subject == (subject or "").strip()), None)
