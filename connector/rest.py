"""One HTTP session to one neighbour: time-outs on every call, few retries of what is safe, errors that keep the status.

A success is a 2xx *with JSON*: a helpdesk in maintenance, or the proxy before it, may answer 200 with a page of HTML.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError
from urllib3.util import Retry

from connector.errors import CredentialsRefused, RemoteError
from connector.text import clean

CONNECT_TIMEOUT = 5.0
"""Seconds to reach the neighbour; the answer may take longer."""
_PASSING = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
# Zammad's words where it lets our key in nowhere, with a 403 as for a missing right, and what to do about each
# (app/controllers/application_controller/authenticates.rb, 7.2; "Authentication required" was seen in 5.2).
_NOT_LET_IN = {
    "API token access disabled!": "Token access is switched off for everybody: switch it on in Zammad (System, API)",
    "Authentication required": "Our key did not arrive: let the proxy before it pass the header Authorization on",
}
_HICCUPS = (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)


class Answer(NamedTuple):
    """What the neighbour said: its JSON, and its headers by lower- or upper-case name."""

    json: Any
    headers: Mapping[str, str]


class Rest:
    """Calls of one neighbour, below one address. Not for several threads, as `requests.Session` is not.

    `name` stands in the messages; `timeout` is how many seconds the neighbour may stay silent.
    Every method raises `RemoteError`, whose text holds the neighbour's short explanation and never our key.
    """

    def __init__(
        self, session: requests.Session, url: str, *, name: str, timeout: float, ca_bundle: Path | None = None
    ) -> None:
        self.name = name
        self._session = session
        self._url = url.rstrip("/")
        self._timeout = (min(CONNECT_TIMEOUT, timeout), timeout)
        # What requests would look up in the environment for each call: proxies and REQUESTS_CA_BUNDLE, over which ours
        # wins. And a .netrc of the machine, which could replace our key, is then not read.
        given = session.merge_environment_settings(self._url, {}, None, str(ca_bundle) if ca_bundle else None, None)
        session.proxies, session.verify, session.trust_env = given["proxies"], given["verify"], False
        session.headers["Accept"] = "application/json"
        session.headers["User-Agent"] = "Greffier"
        adapter = HTTPAdapter(max_retries=_retry())
        session.mount("https://", adapter)
        session.mount("http://", adapter)

    def get(self, path: str, **params: str | int) -> Answer:
        """Read `path`, for instance `tickets/5`."""
        return self._call("GET", path, params=params)

    def post(self, path: str, body: Mapping[str, Any]) -> Answer:
        """Create something; never repeated here, since nobody knows what a lost answer said."""
        return self._call("POST", path, json=body)

    def put(self, path: str, body: Mapping[str, Any]) -> Answer:
        """Change something that is there, or write it whole; the same again changes nothing more."""
        return self._call("PUT", path, json=body)

    def delete(self, path: str) -> Answer:
        """Remove something."""
        return self._call("DELETE", path)

    def _call(self, method: str, path: str, **arguments: Any) -> Answer:
        what = f"{self.name}: {method} {path}"
        try:
            response = self._session.request(
                method,
                f"{self._url}/{path}",
                timeout=self._timeout,
                allow_redirects=False,  # a redirected POST becomes a GET
                **arguments,
            )
        except (OSError, HTTPError, UnicodeError) as error:  # the errors of requests are OSErrors
            raise RemoteError(f"{what}: {_reason(error)}", permanent=False) from error
        content = _json(response)
        if response.ok and response.status_code < HTTPStatus.MULTIPLE_CHOICES and content is not _NOT_JSON:
            return Answer(content, response.headers)
        raise _failure(what, response, content)


def _retry() -> Retry:
    # Only for hiccups: the caller backs off longer, and a Retry-After of an hour must not hold a worker here.
    # A connection that was never made is tried again for POST too; nothing was sent.
    return Retry(
        total=2,
        allowed_methods=("GET",),
        status_forcelist=_HICCUPS,
        backoff_factor=0.2,
        raise_on_status=False,
        respect_retry_after_header=False,
    )


_NOT_JSON = object()


def _json(response: requests.Response) -> Any:
    try:
        return response.json()
    except (ValueError, RecursionError):
        return _NOT_JSON


def _failure(what: str, response: requests.Response, content: Any) -> RemoteError:
    status = response.status_code
    said = _said(content)
    message = f"{what} answered {status}" + (f": {said}" if said else "")
    if status == HTTPStatus.UNAUTHORIZED:
        return CredentialsRefused(
            f"{message}. Our key is refused: make a new one there and set it as token", status=status
        )
    if status == HTTPStatus.FORBIDDEN and said in _NOT_LET_IN:
        return CredentialsRefused(f"{message}. {_NOT_LET_IN[said]}", status=status)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        place = re.match(r"https?://[\w.:-]+", response.headers.get("Location", ""))
        message += f", a redirection to {place[0] if place else 'elsewhere'}: set the final address as url"
        return RemoteError(message, permanent=False, status=status)  # a proxy's page of maintenance, or a wrong url
    if status == HTTPStatus.FORBIDDEN:
        passing = _is_maintenance(content)
        message += ". The helpdesk is in maintenance" if passing else ". The account lacks a right on this"
    elif content is _NOT_JSON:
        message += ", and no JSON: is url its address? A proxy or a maintenance page answers so"
    return RemoteError(
        message, permanent=_permanent(status, content), status=status, retry_after=_retry_after(response.headers)
    )


def _permanent(status: int, content: Any) -> bool:
    if status < HTTPStatus.BAD_REQUEST or status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _PASSING:
        return False
    if status == HTTPStatus.FORBIDDEN:
        return not _is_maintenance(content)
    # The helpdesk's own 404 is JSON; another one is a proxy that has lost the helpdesk for a while.
    return not (status == HTTPStatus.NOT_FOUND and content is _NOT_JSON)


def _is_maintenance(content: Any) -> bool:
    """Zammad in maintenance answers 403 to everyone but its admins, in words of its own; a proxy answers no JSON."""
    return content is _NOT_JSON or "maintenance" in _said(content).lower()


def _said(content: Any) -> str:
    """The short explanation in an error's body: Zammad's `error_human` or `error`."""
    if not isinstance(content, dict):
        return ""
    texts = (content.get(key) for key in ("error_human", "error", "message"))
    return clean(next((text for text in texts if isinstance(text, str)), ""), 200)


def _reason(error: Exception) -> str:
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "its TLS certificate is not accepted; if a private authority signed it, set ca_bundle"
    inner = error.args[0] if isinstance(error, requests.ConnectionError) and error.args else error
    return "no connection to its address (url): " + clean(str(getattr(inner, "reason", inner)), 200)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, from a number or a date; None if the header is missing or unreadable."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    moment = http_date(value)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds()) if moment else None


def http_date(value: str) -> datetime | None:
    """The moment that a header such as `Date` names, None if it cannot be read."""
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
