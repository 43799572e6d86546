"""What `greffier check` says of a Zammad: address, key, rights, clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from connector import clock
from connector.errors import RemoteError
from connector.rest import Rest, http_date
from connector.text import clean
from connector.ticket import Finding, Level
from connector.zammad import rights
from connector.zammad.answers import Account, read
from connector.zammad.settings import ZammadSettings
from connector.zammad.sweep import updated_since

SHORT_SECRET = 20
"""Characters below which a webhook secret is worth a warning."""
_ADMINS = {"webhooks": "admin.webhook", "triggers": "admin.trigger"}


def findings(rest: Rest, settings: ZammadSettings) -> Iterator[Finding]:
    """One finding a line; raises nothing."""
    yield from _transport(rest.name, settings)
    asked_at = datetime.now(UTC)
    try:
        answer = rest.get("users/me", expand="true")
        clock_finding = _clock(rest.name, answer.headers.get("Date", ""), asked_at)
        account = read(Account, answer.json, source=f"{rest.name}: users/me")
    except RemoteError as error:
        yield Finding(Level.ERROR, f"{rest.name}{_to_blame(error)}", str(error))
        return
    yield _account(rest.name, account)
    yield _agent(rest)
    yield _search(rest)
    yield from _admin(rest)
    yield from _rights(rest, settings, account)
    yield clock_finding


def _to_blame(error: RemoteError) -> str:
    """What a failed first call is said of: Zammad refuses keys and rights in these ways, and never lacks `users/me`."""
    if error.status == HTTPStatus.UNAUTHORIZED:
        return ".token"
    return " account" if error.status == HTTPStatus.FORBIDDEN else ".url"


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


def _search(rest: Rest) -> Finding:
    """The search that sweep and poll find messages with; it takes no admin and no Elasticsearch (5.2, seen running)."""
    subject = f"{rest.name} search"
    try:
        next(updated_since(rest, datetime.now(UTC)), None)
    except RemoteError as error:
        return Finding(Level.ERROR, subject, f"lost messages cannot be found: {error}")
    return Finding(Level.OK, subject, "finds what was missed")


def _rights(rest: Rest, settings: ZammadSettings, account: Account) -> Iterator[Finding]:
    given = None
    try:
        given = rights.roles(rest, account)
    except RemoteError as error:
        yield rights.unread(rest.name, error)
    yield from rights.findings(rest.name, settings, account, given)


def _admin(rest: Rest) -> Iterator[Finding]:
    """Lists that only admins may read in every version (5.2: 403, seen); `groups` is open to agents since 2025."""
    held = [permission for path, permission in _ADMINS.items() if _may_list(rest, path)]
    if held:
        text = f"more than is needed: it has {', '.join(held)}. Make one with ticket.agent alone"
        yield Finding(Level.WARNING, f"{rest.name}.token permissions", text)


def _may_list(rest: Rest, path: str) -> bool:
    try:
        rest.get(path, page=1, per_page=1)
    except RemoteError:
        return False
    return True


def _clock(name: str, date: str, asked_at: datetime) -> Finding:
    """By the `Date` of an answer, which a web server gives to whole seconds."""
    subject, theirs = f"{name} clock", http_date(date)
    if theirs is None:
        return Finding(Level.WARNING, subject, "not compared with ours: the answer has no Date")
    return clock.finding(subject, theirs, asked_at)
