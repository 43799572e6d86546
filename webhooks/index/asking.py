"""How an address of a document answers. Documents come from anywhere: their addresses are not to be trusted."""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

import requests
from requests.utils import get_environ_proxies

log = logging.getLogger("greffier.links")

TIMEOUTS = 5.0, 10.0
"""Seconds to reach a site, and for it to go on answering."""
WHOLE = 30.0
"""Seconds for all of an answer: a site may send a letter now and then."""
MAX_REDIRECTS = 5
MAX_LEFT = 5
"""Threads that may still wait for sites that we no longer wait for."""
TICK = 0.1  # seconds
_REFUSES_HEAD = (HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED)
_left: list[threading.Thread] = []

MayAsk = Callable[[str, bool], bool]
"""Whether a host may be asked, by its name; the flag says that a proxy asks for us."""


def is_public(host: str, proxied: bool = False) -> bool:
    """Whether all addresses of a host are public, and it has a name. What only a proxy can resolve is the proxy's."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return False
    if not host:
        return False
    try:
        found = {str(entry[4][0]).partition("%")[0] for entry in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        return proxied
    return all(_is_global(ipaddress.ip_address(address)) for address in found)


def _is_global(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    inner = getattr(address, "ipv4_mapped", None) or address
    return bool(inner.is_global) and not inner.is_multicast


def patiently(url: str, stopping: Callable[[], bool], may_ask: MayAsk = is_public) -> int | None:
    """What `status_of` says; None where that takes too long, or we are to stop: it is not waited for."""
    _left[:] = [thread for thread in _left if thread.is_alive()]
    if len(_left) >= MAX_LEFT:
        log.info("%s: not asked: %s sites have not come to an end with their answers", url, len(_left))
        return None
    answers: list[int | None] = []
    thread = threading.Thread(target=lambda: answers.append(status_of(url, may_ask)), daemon=True)
    thread.start()
    end = time.monotonic() + WHOLE
    while thread.is_alive() and time.monotonic() < end and not stopping():
        thread.join(TICK)
    if thread.is_alive():
        _left.append(thread)
    return answers[0] if answers else None


def status_of(url: str, may_ask: MayAsk = is_public) -> int | None:
    """How an address answers in the end, on the site that it names; None if it does not, or is not asked.

    A redirect to another site is an answer. HEAD alone is asked, or GET without its text where HEAD is not known.
    """
    try:
        with requests.Session() as session:
            session.trust_env = False  # else a .netrc of the machine would be sent to whoever is named there
            session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
            session.headers["User-Agent"] = "Greffier"
            return _followed(session, url, may_ask)
    except (OSError, ValueError) as error:  # the errors of requests are OSErrors
        log.info("%s: no answer: %s", url, type(error).__name__)
        return None


def _followed(session: requests.Session, url: str, may_ask: MayAsk) -> int | None:
    host = urlsplit(url).hostname or ""
    session.proxies = get_environ_proxies(url)
    if not may_ask(host, bool(session.proxies)):
        log.info("%s: not asked: it is no public site", url)
        return None
    for _ in range(MAX_REDIRECTS + 1):
        response = _asked(session, url)
        target = session.get_redirect_target(response)
        if target is None:
            return response.status_code
        url = urljoin(url, target)
        if urlsplit(url).scheme not in ("http", "https") or urlsplit(url).hostname != host:
            return response.status_code
    return None


def _asked(session: requests.Session, url: str) -> requests.Response:
    how = {"timeout": TIMEOUTS, "allow_redirects": False, "stream": True}
    with session.head(url, **how) as response:  # type: ignore[arg-type]
        if response.status_code not in _REFUSES_HEAD:
            return response
    with session.get(url, **how) as response:  # type: ignore[arg-type]
        return response
