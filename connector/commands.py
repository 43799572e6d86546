"""What agents ask of Greffier in an internal note: `@greffier`, a word, and perhaps an instruction."""

from __future__ import annotations

import re

from connector.ticket import Command

ADDRESS = "@greffier"
LONGEST = 1000
"""Characters of an instruction."""
_COMMAND = re.compile(rf"{ADDRESS}\b[\s:,]*(\w*)[\s:,]*(.*)", re.IGNORECASE | re.DOTALL)


def command_of(text: str) -> Command | None:
    """The command that a note begins with, None if it does not call us."""
    found = _COMMAND.match(text.lstrip())
    return Command(found[1].lower(), found[2].strip()[:LONGEST]) if found else None
