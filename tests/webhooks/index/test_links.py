"""Addresses of documents, asked for on a small real server."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from webhooks.index import asking
from webhooks.index.links import Links
from webhooks.index.state import States

pytestmark = pytest.mark.server

Pool = ConnectionPool[psycopg.Connection[Any]]


class Site:
    """Answers each path with the status that `statuses` has for it, 200 without one; keeps what it was asked."""

    def __init__(self) -> None:
        self.statuses: dict[str, int] = {}
        self.asked: list[tuple[str, str]] = []
        self.authorizations: list[str | None] = []
        self.moved = {"/old": "/moved-to"}
        self.done = threading.Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append((self.command, self.path))
                site.authorizations.append(self.headers["Authorization"])
                status = site.statuses.get(self.path, 200)
                if self.command == "HEAD" and self.path == "/no-head":
                    status = 405
                self.send_response(status)
                self.flush_headers()
                while self.path.startswith("/slow") and not site.done.wait(0.1):
                    self.wfile.write(b"X-Slow: 1\r\n")
                if status == 301:
                    self.send_header("Location", site.moved[self.path])
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_HEAD = do_GET

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self.done.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.stop()


@pytest.fixture
def links(pool: Pool) -> Links:
    States(pool).indexed("sheets", documents=1)
    return Links(pool, lambda host, proxied: True)  # the sites of these tests are on this machine


def a_day_passes(pool: Pool) -> None:
    with pool.connection() as connection:
        for column in ("checked_at", "gone_since", "gone_at"):
            connection.execute(f"UPDATE link SET {column} = {column} - interval '25 hours'")  # noqa: S608


def look(links: Links) -> None:
    links.look(pause=0)


@pytest.mark.parametrize("status", [404, 410])
def test_an_address_is_gone_once_it_was_so_on_two_days(links: Links, site: Site, pool: Pool, status: int) -> None:
    url = f"{site.url}/F1"
    site.statuses["/F1"] = status
    links.keep("sheets", [url])
    look(links)
    assert links.gone([url]) == frozenset()
    a_day_passes(pool)
    look(links)
    assert links.gone([url, "https://other.example"]) == {url}


def test_one_that_answers_again_is_not_gone(links: Links, site: Site, pool: Pool) -> None:
    url = f"{site.url}/F1"
    links.keep("sheets", [url])
    for status in (404, 404, 200):
        site.statuses["/F1"] = status
        look(links)
        a_day_passes(pool)
    assert links.gone([url]) == frozenset()
    site.statuses["/F1"] = 404
    look(links)
    assert links.gone([url]) == frozenset()  # the count begins anew


@pytest.mark.parametrize("status", [403, 500, 503])
def test_what_is_only_away_or_shut_to_us_is_not_gone(links: Links, site: Site, pool: Pool, status: int) -> None:
    url = f"{site.url}/F1"
    links.keep("sheets", [url])
    site.statuses["/F1"] = status
    for _ in range(3):
        look(links)
        a_day_passes(pool)
    assert links.gone([url]) == frozenset()


def test_a_site_that_does_not_answer_changes_nothing(links: Links, pool: Pool) -> None:
    links.keep("sheets", ["http://127.0.0.1:1/F1", "http://[broken"])
    look(links)
    a_day_passes(pool)
    look(links)
    assert links.gone(["http://127.0.0.1:1/F1", "http://[broken"]) == frozenset()


def test_each_address_is_asked_for_once_a_day_and_by_no_more_than_it_needs(links: Links, site: Site) -> None:
    site.statuses["/old"] = 301
    links.keep("sheets", [f"{site.url}/F1", f"{site.url}/no-head", f"{site.url}/old", "ftp://x/", "file:///etc/passwd"])
    look(links)
    look(links)
    assert sorted(site.asked) == [
        ("GET", "/no-head"),
        ("HEAD", "/F1"),
        ("HEAD", "/moved-to"),
        ("HEAD", "/no-head"),
        ("HEAD", "/old"),
    ]


def test_only_where_head_is_not_known_a_page_is_got(links: Links, site: Site) -> None:
    site.statuses["/F1"] = 404
    links.keep("sheets", [f"{site.url}/F1"])
    look(links)
    assert site.asked == [("HEAD", "/F1")]


def test_redirects_come_to_an_end(links: Links, site: Site, pool: Pool) -> None:
    site.statuses["/round"] = 301
    site.moved["/round"] = "/round"
    links.keep("sheets", [f"{site.url}/round"])
    look(links)
    assert len(site.asked) == 6


def test_a_redirect_to_another_site_is_an_answer_and_not_followed(links: Links, site: Site, pool: Pool) -> None:
    url = f"{site.url}/F1"
    site.statuses |= {"/F1": 301, "/inside": 404}
    site.moved["/F1"] = site.url.replace("127.0.0.1", "localhost") + "/inside"
    links.keep("sheets", [url])
    for _ in range(2):
        look(links)
        a_day_passes(pool)
    assert site.asked == [("HEAD", "/F1")] * 2
    assert links.gone([url]) == frozenset()


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "10.0.0.8", "169.254.169.254", "::1", "::ffff:10.0.0.8", "8.8.8.8", "2130706433", "0x7f.1"),
        *("localhost", ""),
    ],
)
def test_an_address_inside_or_without_a_name_is_not_asked(host: str) -> None:
    assert not asking.is_public(host)
    assert not asking.is_public(host, proxied=True)


@pytest.mark.parametrize(
    ("addresses", "public"), [(["93.184.215.14"], True), (["93.184.215.14", "10.0.0.8"], False), (["fe80::1%2"], False)]
)
def test_a_name_is_asked_if_all_its_addresses_are_public(
    addresses: list[str], public: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: [(0, 0, 0, "", (one, 0)) for one in addresses])
    assert asking.is_public("mairie.example") == public


def test_nothing_on_this_machine_is_asked(pool: Pool, site: Site) -> None:
    States(pool).indexed("sheets", documents=1)
    links = Links(pool)
    links.keep("sheets", [f"{site.url}/F1", site.url.replace("127.0.0.1", "localhost")])
    look(links)
    assert site.asked == []


def test_the_proxy_of_the_machine_is_asked_for_names_that_only_it_knows(
    pool: Pool, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", site.url)
    monkeypatch.setenv("NO_PROXY", "intranet.invalid")
    States(pool).indexed("sheets", documents=1)
    links = Links(pool)
    links.keep("sheets", ["http://mairie.invalid/F1", "http://intranet.invalid/F1", "http://10.0.0.8/F1"])
    look(links)
    assert site.asked == [("HEAD", "http://mairie.invalid/F1")]


def test_a_site_that_never_comes_to_an_end_is_left(
    links: Links, site: Site, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "WHOLE", 0.3)
    links.keep("sheets", [f"{site.url}/slow", f"{site.url}/zzz"])
    began = time.monotonic()
    look(links)
    assert time.monotonic() - began < 3
    assert sorted(site.asked) == [("HEAD", "/slow"), ("HEAD", "/zzz")]
    links.keep("sheets", [f"{site.url}/slow{number}" for number in range(9)])
    look(links)
    assert len(site.asked) < 9  # no more threads than a few ever wait


def test_a_slow_site_is_not_waited_for_when_we_are_to_stop(links: Links, site: Site) -> None:
    links.keep("sheets", [f"{site.url}/slow"])
    began = time.monotonic()
    links.look(lambda: time.monotonic() - began > 0.5, pause=0)
    assert time.monotonic() - began < 3


def test_no_password_of_the_machine_is_sent(
    links: Links, site: Site, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login u password hunter2", "utf-8")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    links.keep("sheets", [f"{site.url}/F1"])
    look(links)
    assert site.authorizations == [None]


def test_what_a_source_no_longer_has_is_no_longer_asked_for(links: Links, site: Site) -> None:
    links.keep("sheets", [f"{site.url}/F1", f"{site.url}/F2"])
    links.keep("sheets", [f"{site.url}/F2"])
    look(links)
    assert site.asked == [("HEAD", "/F2")]
    links.keep("sheets", [])
    assert links.gone([f"{site.url}/F2"]) == frozenset()


def test_it_stops_when_it_is_told(links: Links, site: Site) -> None:
    links.keep("sheets", [f"{site.url}/{number}" for number in range(9)])
    links.look(lambda: len(site.asked) >= 3, pause=0)
    assert len(site.asked) == 3
