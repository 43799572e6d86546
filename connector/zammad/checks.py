"""What `greffier check` says of a Zammad: address, key, rights, clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from connector.errors import RemoteError
from connector.rest import Rest, http_date
from connector.text import clean
from connector.ticket import Finding, Level, Mode
from connector.zammad.answers import Account, read
from connector.zammad.settings import ZammadSettings

CLOCK_TOLERANCE = 60.0
"""Seconds; start dates and the order of messages are compared across both clocks."""
SHORT_SECRET = 20
"""Characters below which a webhook secret is worth a warning."""


def findings(rest: Rest, settings: ZammadSettings) -> Iterator[Finding]:
    """One finding a line; raises nothing."""
    yield from _transport(rest.name, settings)
    try:
        answer = rest.get("users/me", expand="true")
        account = read(Account, answer.json, source=f"{rest.name}: users/me")
    except RemoteError as error:
        yield Finding(Level.ERROR, f"{rest.name} account", str(error))
        return
    yield _account(rest.name, account)
    yield _agent(rest)
    for group, mode in settings.groups.items():
        if mode is not Mode.OFF:
            yield _group(rest.name, group, account)
    yield from _clock(rest.name, answer.headers.get("Date", ""))


def _transport(name: str, settings: ZammadSettings) -> Iterator[Finding]:
    address = urlsplit(settings.url)
    if address.scheme == "http" and address.hostname not in ("localhost", "127.0.0.1", "::1"):
        yield Finding(Level.WARNING, f"{name}.url", "the token travels unencrypted: use https")
    if any(len(secret) < SHORT_SECRET for secret in settings.webhook_secrets):
        yield Finding(
            Level.WARNING, f"{name}.webhook_secret", f"shorter than {SHORT_SECRET} characters: make a new one"
        )


def _account(name: str, account: Account) -> Finding:
    person = clean(f"{account.firstname or ''} {account.lastname or ''} ({account.login})")
    if not account.active:
        return Finding(Level.ERROR, f"{name} account", f"{person} is not active: activate it in Zammad")
    return Finding(Level.OK, f"{name} account", f"notes will be signed {person}")


def _agent(rest: Rest) -> Finding:
    """The list of tickets is refused (403) to a token without `ticket.agent` (Zammad 5.2, seen running)."""
    subject = f"{rest.name}.token"
    try:
        rest.get("tickets", page=1, per_page=1)
    except RemoteError as error:
        if error.status == HTTPStatus.FORBIDDEN:
            return Finding(Level.ERROR, subject, "give the account and its token the permission ticket.agent")
        return Finding(Level.WARNING, subject, f"its permission ticket.agent could not be tested: {error}")
    return Finding(Level.OK, subject, "may read tickets")


def _group(name: str, group: str, account: Account) -> Finding:
    """An agent's token may not read the list of groups (403 in Zammad 5.2): the account's own rights name them."""
    subject = f"{name} group {group}"
    if account.groups is None:
        return Finding(Level.WARNING, subject, "its rights could not be read: it needs read and change")
    if group not in account.groups:
        known = ", ".join(sorted(account.groups)) or "none"
        text = f"the account has no right of its own there: is it spelled so, or given by a role? Known: {known}"
        return Finding(Level.WARNING, subject, text)
    rights = set(account.groups[group])
    if "full" in rights:
        return Finding(Level.WARNING, subject, "full access makes the account an owner to choose: read and change do")
    if not {"read", "change"} <= rights:
        return Finding(Level.ERROR, subject, "give the account the rights read and change")
    return Finding(Level.OK, subject, "read and change")


def _clock(name: str, date: str) -> Iterator[Finding]:
    theirs = http_date(date)
    if theirs is None:
        return
    skew = abs((theirs - datetime.now(UTC)).total_seconds())
    if skew > CLOCK_TOLERANCE:
        yield Finding(Level.WARNING, f"{name} clock", f"{skew:.0f} seconds away from ours: set the time of both")
    else:
        yield Finding(Level.OK, f"{name} clock", "agrees with ours")
