"""What strangers send to the web process, over raw sockets: the stated status, no row too many, a log without texts.

The statuses are those of the table in `webhooks.app.create_app`.
"""

from __future__ import annotations

import gzip
import hmac
import json
import re
import socket
import time
from collections import Counter
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, contextmanager, suppress

import psutil
import psycopg
import pytest

from tests.conftest import created_database
from tests.system import SECRET, System, system, unforeseen, wait_until
from tests.webhooks.test_crash import allow
from webhooks import schema
from webhooks.framing import LARGEST_BODY
from webhooks.gunicorn_worker import REQUEST_TIMEOUT

pytestmark = pytest.mark.server

OLD_SECRET = "the secret before"
CITIZENS_WORDS = "Je suis Octavie Delattre et je vous signale"
ARTICLE = {"id": 34, "sender": "Customer", "internal": False, "preferences": {}, "body": CITIZENS_WORDS}
BODY = json.dumps({"ticket": {"id": 12}, "article": ARTICLE}).encode()
ADMIN = {
    "kind": "zammad", "url": "http://127.0.0.1:1", "token": "t", "webhook_secret": SECRET,
    "previous_webhook_secret": OLD_SECRET, "previous_webhook_secret_until": "2020-01-01T00:00:00Z",
}  # fmt: skip


@pytest.fixture(scope="module")
def running(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """`greffier web`, with the helpdesk `sandbox`, and `late` whose previous secret is accepted no more."""
    with created_database(postgres_server) as url, pytest.MonkeyPatch.context() as patch:
        schema.migrate(url)
        patch.setenv("GREFFIER_HELPDESKS__SANDBOX__PREVIOUS_WEBHOOK_SECRET", OLD_SECRET)
        patch.setenv("GREFFIER_HELPDESKS__SANDBOX__PREVIOUS_WEBHOOK_SECRET_UNTIL", "2999-01-01T00:00:00Z")
        patch.setenv("GREFFIER_HELPDESKS__LATE", json.dumps(ADMIN))
        with system(tmp_path_factory.mktemp("hostile"), url) as running:
            running.start_web()
            yield running


@pytest.fixture
def web(running: System) -> Iterator[System]:
    """The same, with an empty inbox; at the end, its log has told nothing."""
    running.execute("TRUNCATE inbox CASCADE")
    running.execute("TRUNCATE procrastinate_jobs CASCADE")
    yield running
    log = running.log("web")
    for told in (SECRET, OLD_SECRET, CITIZENS_WORDS, "Octavie", *re.findall(r"\b[0-9a-fA-F]{40}\b", log)):
        assert told not in log
    assert unforeseen(log, "the database does not take it") == []  # where it was away


def rows(web: System) -> tuple[int, int]:
    """Messages kept, and jobs."""
    counts = web.rows("SELECT (SELECT count(*) FROM inbox), (SELECT count(*) FROM procrastinate_jobs)")
    return (counts[0][0], counts[0][1])


def signature(body: bytes, secret: str = SECRET) -> str:
    return "sha1=" + hmac.new(secret.encode(), body, "sha1").hexdigest()


def request(body: bytes = BODY, *headers: str, path: str = "/webhooks/sandbox", first: str = "") -> bytes:
    """The bytes of a delivery, signed and with its length unless `headers` say otherwise."""
    names = {header.partition(":")[0].lower() for header in headers}
    lines = [first or f"POST {path} HTTP/1.1", "Host: greffier.example", "Connection: close", *headers]
    if "x-hub-signature" not in names:
        lines.append(f"X-Hub-Signature: {signature(body)}")
    if not names & {"content-length", "transfer-encoding"}:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([line for line in lines if not line.endswith("!none")] + ["", ""]).encode("latin-1") + body


def connect(web: System) -> socket.socket:
    return socket.create_connection(("127.0.0.1", web.port), timeout=60)


@contextmanager
def many(web: System, number: int) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        yield [stack.enter_context(closing(connect(web))) for _ in range(number)]


def answers(connection: socket.socket) -> list[int]:
    """The statuses of all answers until the server closes. None of them has a body."""
    text = b""
    while data := connection.recv(65536):
        text += data
    heads = text.split(b"\r\n\r\n")
    assert heads.pop() == b"", "an answer with a body"
    return [int(head.split()[1]) for head in heads]


def send(web: System, sent: bytes) -> int:
    """The status of the one answer."""
    with closing(connect(web)) as connection:
        connection.sendall(sent)
        (status,) = answers(connection)
    return status


def chunks(body: bytes, size: int = 1000) -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def with_signature(*values: str) -> bytes:
    return request(BODY, *(f"X-Hub-Signature: {value}" for value in values))


SIGNED = signature(BODY)
UNSIGNED = [
    ("none", request(BODY, "X-Hub-Signature:!none")),
    ("empty", with_signature("")),
    ("without its algorithm", with_signature(SIGNED.removeprefix("sha1="))),
    ("of another algorithm", with_signature("sha256=" + hmac.new(SECRET.encode(), BODY, "sha256").hexdigest())),
    ("wrong", with_signature("sha1=" + "0" * 40)),
    ("cut", with_signature(SIGNED[:-1])),
    ("cut in half", with_signature(SIGNED[:25])),
    ("too long", with_signature(SIGNED + "0")),
    ("in capitals", with_signature("sha1=" + SIGNED[5:].upper())),
    ("with its algorithm in capitals", with_signature("SHA1=" + SIGNED[5:])),
    ("twice", with_signature(SIGNED, SIGNED)),
    ("a wrong one, then the right one", with_signature("sha1=" + "0" * 40, SIGNED)),
    ("the right one, then a wrong one", with_signature(SIGNED, "sha1=" + "0" * 40)),
    ("not ASCII", with_signature("sha1=é")),
    ("of the body without its last byte", request(BODY + b" ", f"X-Hub-Signature: {SIGNED}")),
    ("of the body before one byte was changed", request(BODY.replace(b"12", b"13"), f"X-Hub-Signature: {SIGNED}")),
    ("with a previous secret whose time is over",
     request(BODY, f"X-Hub-Signature: {signature(BODY, OLD_SECRET)}", path="/webhooks/late")),
    ("of a bomb", request(gzip.compress(b" " * 10**8), f"X-Hub-Signature: {SIGNED}", "Content-Encoding: gzip")),
]  # fmt: skip
UNREADABLE = [
    ("broken JSON", request(b'{"ticket": {"id": 12}, "article": "' + CITIZENS_WORDS.encode())),
    ("no JSON", request(CITIZENS_WORDS.encode())),
    ("nothing", request(b"")),
    ("JSON of depth 10,000", request(b"[" * 10_000 + b"]" * 10_000)),
    ("depth within what is not read", request(BODY[:-1] + b', "x": ' + b"[" * 10_000 + b"]" * 10_000 + b"}")),
    ("not UTF-8", request(BODY.replace(b"signale", b"signal\xe9"))),
    ("UTF-16", request(BODY.decode().encode("utf-16"))),
    ("a signed bomb", request(gzip.compress(b" " * 10**8), "Content-Encoding: gzip")),
    ("a signed and compressed payload", request(gzip.compress(BODY), "Content-Encoding: gzip")),
    ("a number for the ticket", request(b'{"ticket": 12, "article": 34}')),
    ("ids that are no ids", request(BODY.replace(b'"id": 34', b'"id": "34; DROP TABLE inbox"'))),
    ("an id beyond any", request(BODY.replace(b'"id": 34', b'"id": 99999999999999999999'))),
    ("a NUL in an id", request(BODY.replace(b'"id": 34', b'"id": "3\\u00004"'))),
]
NO_HTTP = [
    ("a length that is no number", 400, request(BODY, "Content-Length: ten")),
    ("a negative length", 400, request(BODY, "Content-Length: -1")),
    ("a length with a sign", 400, request(BODY, f"Content-Length: +{len(BODY)}")),
    ("a length twice", 400, request(BODY, *[f"Content-Length: {len(BODY)}"] * 2)),
    ("two lengths", 400, request(BODY, "Content-Length: 1", f"Content-Length: {len(BODY)}")),
    ("a length and chunks", 400, request(BODY, "Content-Length: 5", "Transfer-Encoding: chunked")),
    ("a length of 30 digits", 413, request(BODY, "Content-Length: " + "9" * 30)),
    ("a length beyond what we take", 413, request(BODY, f"Content-Length: {LARGEST_BODY + 1}")),
    ("chunks that are none", 400, request(BODY, "Transfer-Encoding: chunked")),
    ("a chunk of negative size", 400, request(b"-5\r\n" + BODY, "Transfer-Encoding: chunked")),
    ("a chunk longer than it says", 400, request(b"2\r\n" + BODY + b"\r\n0\r\n\r\n", "Transfer-Encoding: chunked")),
    ("a chunk of a terabyte", 413, request(b"ffffffffff\r\n" + BODY, "Transfer-Encoding: chunked")),
    ("another transfer coding", 501, request(BODY, "Transfer-Encoding: brotli")),
    ("gzip as the transfer coding", 400, request(BODY, "Transfer-Encoding: gzip")),
    ("an expectation", 417, request(BODY, "Expect: a miracle")),
    ("a header of 5,000 bytes", 431, request(BODY, "X-Long: " + "a" * 5000)),
    ("a hundred headers", 431, request(BODY, *[f"X-{number}: a" for number in range(100)])),
    ("a megabyte of headers", 431, b"POST /webhooks/sandbox HTTP/1.1\r\n" + b"X-Long: aaaaaaaaaaaaaaa\r\n" * 40_000),
    ("a first line of 5,000 bytes", 414, request(BODY, path="/webhooks/" + "a" * 5000)),
    ("a header without a name", 400, request(BODY, ": a")),
    ("a header over two lines", 400, request(BODY, "X-Folded: a\r\n b")),
    ("a control character in a header", 400, request(BODY, "X-Control: a\x07b")),
    ("a citizen's words as a header", 400, request(BODY, CITIZENS_WORDS)),
    ("a citizen's words as the first line", 400, request(BODY, first=CITIZENS_WORDS)),
    ("another protocol", 400, request(BODY, first="POST /webhooks/sandbox HTTP/7.5")),
]  # fmt: skip


@pytest.mark.parametrize("sent", [pytest.param(sent, id=name) for name, sent in UNSIGNED])
def test_what_is_not_signed_as_zammad_signs_is_401(web: System, sent: bytes) -> None:
    assert send(web, sent) == 401
    assert rows(web) == (0, 0)


@pytest.mark.parametrize("sent", [pytest.param(sent, id=name) for name, sent in UNREADABLE])
def test_what_is_signed_and_no_payload_is_400(web: System, sent: bytes) -> None:
    assert send(web, sent) == 400
    assert rows(web) == (0, 0)


@pytest.mark.parametrize(("status", "sent"), [pytest.param(status, sent, id=name) for name, status, sent in NO_HTTP])
def test_what_is_no_http_has_its_status(web: System, status: int, sent: bytes) -> None:
    assert send(web, sent) == status
    assert rows(web) == (0, 0)


ACCEPTED = [
    ("as Zammad sends it", request()),
    ("in HTTP/1.0", request(first="POST /webhooks/sandbox HTTP/1.0")),
    ("in chunks, without a length", request(BODY, "Transfer-Encoding: chunked").replace(BODY, chunks(BODY))),
    ("in chunks of one byte", request(BODY, "Transfer-Encoding: chunked").replace(BODY, chunks(BODY, 1))),
    ("of another content type", request(BODY, "Content-Type: application/x-www-form-urlencoded")),
    ("of no content type that exists", request(BODY, "Content-Type: \xff/;;")),
    ("in text that says it is compressed", request(BODY, "Content-Encoding: gzip")),
    ("with a key twice", request(BODY.replace(b'"article"', b'"article": {"id": 7}, "article"'))),
    ("with the previous secret", request(BODY, f"X-Hub-Signature: {signature(BODY, OLD_SECRET)}")),
    ("with a name of its delivery that is none", request(BODY, f"X-Zammad-Delivery: {CITIZENS_WORDS}")),
    ("of nearly 8 MiB", request(BODY + b" " * (LARGEST_BODY - len(BODY)))),
]


@pytest.mark.parametrize("sent", [pytest.param(sent, id=name) for name, sent in ACCEPTED])
def test_a_citizens_message_is_kept_once(web: System, sent: bytes) -> None:
    assert [send(web, sent), send(web, sent)] == [202, 202]
    assert rows(web) == (1, 1)
    assert web.rows("SELECT message FROM inbox") == [("34",)]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "BREW"])
def test_another_method_is_405(web: System, method: str) -> None:
    assert send(web, request(first=f"{method} /webhooks/sandbox HTTP/1.1")) == 405
    assert rows(web) == (0, 0)


@pytest.mark.parametrize("path", ["/webhooks/prefecture", "/webhooks/", "/webhooks/sandbox/", "/", "/webhooks/%00%0a"])
def test_an_unknown_helpdesk_or_page_is_404(web: System, path: str) -> None:
    assert send(web, request(path=path)) == 404
    assert rows(web) == (0, 0)


@pytest.mark.parametrize("framing", ["a length", "chunks"])
def test_9_mib_are_413_and_the_sender_reads_it(web: System, framing: str) -> None:
    body = b" " * (9 * 1024 * 1024)
    sent = request(body) if framing == "a length" else request(body, "Transfer-Encoding: chunked")
    assert send(web, sent if framing == "a length" else sent.replace(body, chunks(body, 65536))) == 413
    assert rows(web) == (0, 0)


def test_a_replay_a_hundred_times_at_once_is_kept_once(web: System) -> None:
    with ThreadPoolExecutor(20) as senders:
        assert Counter(senders.map(lambda _: send(web, request()), range(100))) == {202: 100}
    assert rows(web) == (1, 1)


def test_requests_sent_without_waiting_are_answered_in_order(web: System) -> None:
    kept = request().replace(b"Connection: close\r\n", b"")
    unsigned = with_signature("sha1=0").replace(b"Connection: close\r\n", b"")
    with closing(connect(web)) as connection:
        connection.sendall(kept + unsigned + kept + request(path="/webhooks/none"))
        assert answers(connection) == [202, 401, 202, 404]
    assert rows(web) == (1, 1)


def test_what_follows_a_body_that_is_too_long_for_its_length_is_no_message(web: System) -> None:
    """The rest of the body becomes the next first line: it must not be told in the log either."""
    sent = request(CITIZENS_WORDS.encode() * 2, f"Content-Length: {len(CITIZENS_WORDS)}", "X-Hub-Signature: sha1=0")
    with closing(connect(web)) as connection:
        connection.sendall(sent.replace(b"Connection: close\r\n", b"") + b" HTTP/1.1\r\n\r\n")
        assert answers(connection) == [401, 400]
    assert rows(web) == (0, 0)


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_a_body_that_ends_early_is_400(web: System, framing: str) -> None:
    sent = request(BODY, f"Content-Length: {len(BODY) + 1}")
    if framing == "chunks":
        sent = request(BODY, "Transfer-Encoding: chunked").replace(BODY, chunks(BODY)[:-5])
    with closing(connect(web)) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        assert answers(connection) == [400]
    assert rows(web) == (0, 0)


def test_fifty_senders_of_a_byte_a_second_are_408_and_hold_nobody_up(web: System) -> None:
    head, _, body = request().partition(b"\r\n\r\n")
    chunked = request(BODY, "Transfer-Encoding: chunked").replace(BODY, b"5000\r\nab")
    tls = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200)
    beginnings = [tls, head[:30], head + b"\r\n", head + b"\r\n\r\n" + body[:9], chunked]
    with many(web, 50) as slow:
        for number, connection in enumerate(slow):
            connection.sendall(beginnings[number % 5])
        seconds = []
        end = time.monotonic() + REQUEST_TIMEOUT - 5
        while time.monotonic() < end:
            for connection in slow[10:]:  # the first ten say nothing more
                connection.sendall(b"x")
            began = time.monotonic()
            assert send(web, request()) == 202
            seconds.append(time.monotonic() - began)
            time.sleep(1)
        assert max(seconds) < REQUEST_TIMEOUT / 2  # a thread held by one of them would cost all of that
        assert Counter(answers(connection)[0] for connection in slow) == {408: 50}
    assert rows(web) == (1, 1)


def test_large_requests_that_never_end_at_once_neither_fill_the_memory_nor_end_a_process(web: System) -> None:
    begun = request(b" " * (7 * 1024 * 1024), f"Content-Length: {LARGEST_BODY}")
    before = children(web)
    with many(web, 60) as slow, ThreadPoolExecutor(60) as senders:
        sending = [senders.submit(push, connection, begun) for connection in slow]
        assert send(web, request()) == 202
        wait(sending)
        assert send(web, request()) == 202
        assert sum(child.memory_info().rss for child in children(web)) < 300 * 2**20  # of 420 MiB that were sent
    assert children(web) == before
    assert [send_in_two(web) for _ in range(20)] == [202] * 20  # what was refused counts no more


def test_one_that_is_refused_while_its_end_waits_to_be_read_ends_no_process(greffier: System) -> None:
    """To make room the largest goes, whose own event the loop may have in its hands already: nothing may follow it."""
    greffier.configure("workers = 1", "web")
    greffier.start_web()
    before = children(greffier)
    with many(greffier, 8) as slow:
        *small, large = slow
        for connection, mib in zip(slow, [3.4] * 7 + [7.8], strict=True):  # 31.6 of the 32 that it holds
            push(connection, request(b" " * int(mib * 2**20), f"Content-Length: {LARGEST_BODY}"))
        time.sleep(1)  # all of that is read
        with stopped(before):
            for connection in small:
                push(connection, b" " * 65536)
            large.shutdown(socket.SHUT_WR)
        assert answers(large) == [503]
        assert send_in_two(greffier) == 202
    assert children(greffier) == before
    assert unforeseen(greffier.log("web")) == []


@contextmanager
def stopped(processes: Collection[psutil.Process]) -> Iterator[None]:
    """Processes that stand still meanwhile."""
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):  # it was about to end
                process.resume()


def children(web: System) -> set[psutil.Process]:
    """The processes that take requests."""
    return set(psutil.Process(web.processes["web"].pid).children())


def push(connection: socket.socket, sent: bytes) -> None:
    with suppress(OSError):  # one that was dropped
        connection.sendall(sent)


def send_in_two(web: System) -> int:
    """The status of a delivery that is unfinished for a moment."""
    with closing(connect(web)) as connection:
        connection.sendall(request()[:-5])
        time.sleep(0.05)
        connection.sendall(request()[-5:])
        (status,) = answers(connection)
    return status


def test_with_postgresql_away_a_delivery_is_503_and_accepted_later(web: System, postgres_server: str) -> None:
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        allow(admin, web, False)
        try:
            assert send(web, request()) == 503
        finally:
            allow(admin, web, True)
    wait_until(lambda: send(web, request()) == 202)
    assert rows(web) == (1, 1)


def test_with_postgresql_frozen_a_delivery_is_503_and_accepted_later(web: System) -> None:
    with frozen(web), ThreadPoolExecutor(20) as senders:
        began = time.monotonic()
        assert set(senders.map(lambda _: send(web, request()), range(20))) == {503}
        assert time.monotonic() - began < 60
    wait_until(lambda: send(web, request()) == 202)
    assert rows(web) == (1, 1)


def test_with_every_connection_busy_a_delivery_is_503_and_accepted_later(web: System) -> None:
    with web.connection() as holder, ThreadPoolExecutor(20) as senders:
        holder.execute("LOCK TABLE inbox")
        assert set(senders.map(lambda _: send(web, request()), range(20))) == {503}
        holder.rollback()
    wait_until(lambda: send(web, request()) == 202)
    assert rows(web) == (1, 1)


@contextmanager
def frozen(web: System) -> Iterator[None]:
    """PostgreSQL, all of it, as a machine that stands still: it takes connections and says nothing."""
    with psycopg.connect(web.database) as here:
        server = psutil.Process(here.info.backend_pid).parent()
    assert server is not None
    with stopped([server, *server.children()]):
        yield
