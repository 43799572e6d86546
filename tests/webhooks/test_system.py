"""The whole line, with real processes: a delivery in, a note out."""

from __future__ import annotations

import http.client
import socket

import pytest

from tests.system import System, unforeseen, wait_until
from webhooks.framing import LARGEST_BODY

pytestmark = pytest.mark.server

QUESTION = "Mon propriétaire ne m'a pas rendu le dépôt de garantie. Quel est le délai ?"


def test_a_citizens_message_becomes_an_internal_note(greffier: System) -> None:
    greffier.start_web()
    greffier.start("worker")
    ticket, _ = greffier.sandbox.write_as_customer("Dépôt de garantie", QUESTION)
    wait_until(lambda: greffier.states() == ["posted"])
    (note,) = greffier.sandbox.notes(ticket)
    assert note.internal
    assert "AI-generated" in note.body


def test_a_body_without_a_length_is_counted_while_it_is_read(greffier: System) -> None:
    greffier.start_web()
    connection = http.client.HTTPConnection("127.0.0.1", greffier.port, timeout=30)
    pieces = (b" " * 65536 for _ in range(LARGEST_BODY // 65536 + 1))
    connection.request(
        "POST", "/webhooks/sandbox", pieces, encode_chunked=True, headers={"Transfer-Encoding": "chunked"}
    )
    assert connection.getresponse().status == 413
    assert greffier.states() == []
    connection.close()


@pytest.mark.parametrize(("sent", "status"), [(b"ZZ\r\n", 400), (b"5\r\nabc", 408)], ids=["no chunk", "a stop"])
def test_a_body_that_is_broken_gets_its_status_and_no_trace(greffier: System, sent: bytes, status: int) -> None:
    greffier.start_web()
    with socket.create_connection(("127.0.0.1", greffier.port), timeout=30) as connection:
        head = b"POST /webhooks/sandbox HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head + sent)
        assert connection.recv(100).startswith(f"HTTP/1.1 {status} ".encode())
    assert unforeseen(greffier.log("web")) == []
