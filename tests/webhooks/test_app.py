from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import sys
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient
from psycopg_pool import ConnectionPool
from werkzeug.test import TestResponse

from connector.zammad.client import Zammad
from connector.zammad.settings import ZammadSettings
from tests.conftest import FIXTURES
from webhooks.app import create_app
from webhooks.ledger import Ledger

pytestmark = pytest.mark.server

SECRET = b"a webhook's secret"
ARTICLE = {"id": 34, "sender": "Customer", "type": "web", "internal": False, "created_by_id": 6, "preferences": {}}
Pool = ConnectionPool[psycopg.Connection[Any]]


@pytest.fixture
def client(ledger: Ledger) -> FlaskClient:
    settings = ZammadSettings(kind="zammad", url="https://support.example", token="t", webhook_secret=SECRET.decode())
    return create_app({"mairie": Zammad("mairie", settings)}, ledger).test_client()


def body(**article: Any) -> bytes:
    return json.dumps({"ticket": {"id": 12}, "article": ARTICLE | article}).encode()


def deliver(client: FlaskClient, payload: bytes, signed: bytes | None = None, **arguments: Any) -> TestResponse:
    digest = hmac.new(SECRET, payload if signed is None else signed, hashlib.sha1).hexdigest()
    headers = {"X-Hub-Signature": f"sha1={digest}", "X-Zammad-Delivery": "d"}
    return client.post("/webhooks/mairie", data=payload, headers=headers, **arguments)


def rows(pool: Pool, table: str) -> int:
    with pool.connection() as connection:
        found = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
    assert found
    return int(found[0])


def test_a_citizens_message_is_kept_with_its_job(client: FlaskClient, pool: Pool) -> None:
    assert deliver(client, body()).status_code == 202
    assert (rows(pool, "inbox"), rows(pool, "procrastinate_jobs")) == (1, 1)


def test_a_repeat_is_answered_alike_and_changes_nothing(client: FlaskClient, pool: Pool) -> None:
    assert [deliver(client, body()).status_code for _ in range(3)] == [202, 202, 202]
    assert (rows(pool, "inbox"), rows(pool, "procrastinate_jobs")) == (1, 1)


def test_what_is_nothing_to_us_is_done_with_and_not_kept(client: FlaskClient, pool: Pool) -> None:
    assert deliver(client, body(sender="System")).status_code == 204
    assert rows(pool, "inbox") == 0


HOSTILE = [
    pytest.param(body(), b"other bytes", 401, id="a signature over other bytes"),
    pytest.param(b"{not json", None, 400, id="broken JSON"),
    pytest.param(b"[" * 10_000 + b"]" * 10_000, None, 400, id="JSON of depth 10,000"),
    pytest.param(b'{"ticket": {"id": 1' + b" " * 10_000_000, None, 413, id="10 MB"),
]


@pytest.mark.parametrize(("payload", "signed", "status"), HOSTILE)
def test_what_is_refused_gets_its_status_and_leaves_no_trace(
    client: FlaskClient,
    pool: Pool,
    caplog: pytest.LogCaptureFixture,
    payload: bytes,
    signed: bytes | None,
    status: int,
) -> None:
    answer = deliver(client, payload, signed)
    assert (answer.status_code, answer.data) == (status, b"")
    assert rows(pool, "inbox") == 0
    assert all(record.exc_info is None for record in caplog.records)


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "options"])
def test_another_method_is_not_allowed(client: FlaskClient, method: str) -> None:
    assert getattr(client, method)("/webhooks/mairie").status_code == 405


def test_an_unknown_helpdesk_is_not_found(client: FlaskClient) -> None:
    assert client.post("/webhooks/prefecture", data=body()).status_code == 404


def test_every_recorded_delivery_is_answered_as_zammad_wants(client: FlaskClient, pool: Pool) -> None:
    recordings = sorted((FIXTURES / "zammad-5.2").glob("webhook_*.json"))
    payloads = [json.loads(path.read_text("utf-8")).get("request", {}).get("body_text") for path in recordings]
    statuses = {deliver(client, payload.encode()).status_code for payload in payloads if payload}
    assert statuses == {202, 204}


def test_without_its_database_the_web_process_asks_to_be_tried_again() -> None:
    with ConnectionPool("postgresql://localhost:1/none", min_size=0, max_size=1, timeout=0.2, open=True) as dead:
        settings = ZammadSettings(
            kind="zammad", url="https://support.example", token="t", webhook_secret=SECRET.decode()
        )
        client = create_app({"mairie": Zammad("mairie", settings)}, Ledger(dead)).test_client()
        answer = deliver(client, body())
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert client.get("/readyz").status_code == 503
        assert client.get("/healthz").status_code == 200


def test_it_is_ready_when_it_can_keep_a_message(client: FlaskClient) -> None:
    assert client.get("/readyz").status_code == 200


@pytest.fixture
def read_only(migrated_url: str) -> str:
    return f"{migrated_url}&options=-c%20default_transaction_read_only%3Don"


def test_it_is_not_ready_on_a_database_that_is_read_only(read_only: str) -> None:
    with ConnectionPool(read_only, min_size=1, open=True) as pool:
        assert create_app({}, Ledger(pool)).test_client().get("/readyz").status_code == 503


def test_it_is_not_ready_on_a_schema_that_it_does_not_know(database_url: str) -> None:
    with ConnectionPool(database_url, min_size=1, open=True) as pool:
        assert create_app({}, Ledger(pool)).test_client().get("/readyz").status_code == 503


def test_the_web_process_imports_neither_langchain_nor_a_store() -> None:
    program = (
        "import sys, webhooks.wiring, webhooks.server; "
        "print([name for name in sys.modules if name.split('.')[0] in"
        " ('langchain', 'langchain_core', 'langchain_openai', 'langchain_community', 'openai', 'weaviate', 'numpy')"
        " or name.startswith('chains.stores')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
