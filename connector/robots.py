"""Addresses that no person reads."""

from __future__ import annotations

import re

_ROBOTS = re.compile(
    r"(?:mailer-daemon|postmaster|bounces?|(?:no|ne|do)[._-]?(?:not|pas)?[._-]?(?:reply|repl(?:y|ies)|repondre))"
    r"(?:[+._-].*)?@.*",
    re.IGNORECASE,
)


def is_robot(address: str) -> bool:
    """Whether a mail address is a machine's: a postmaster, a bounce, a no-reply."""
    return _ROBOTS.fullmatch(address.strip()) is not None
