"""The API: what the recordings do not show, and what can be made to go wrong."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import requests

from tests.webhooks.demo.sandbox.conftest import Api
from webhooks.demo.sandbox import Sandbox, SandboxConfig


@pytest.fixture
def ticket_id(sandbox: Sandbox) -> int:
    return sandbox.write_as_customer("Livret de famille", "Bonjour")[0]


@pytest.mark.parametrize("scheme", ["Token token={}", 'Token token="{}"', "Token {}", "Bearer {}"])
def test_every_form_of_a_token_is_known(sandbox: Sandbox, scheme: str) -> None:
    headers = {"Authorization": scheme.format(sandbox.token)}

    assert requests.get(f"{sandbox.url}/api/v1/users/me", headers=headers, timeout=5).status_code == 200


def test_an_article_is_public_plain_text_unless_said_otherwise(api: Api, ticket_id: int) -> None:
    article = api.call("POST", "/ticket_articles", json={"ticket_id": ticket_id, "body": "<b>x</b>"}).json()

    assert (article["internal"], article["content_type"], article["type"]) == (False, "text/plain", "note")
    assert article["body"] == "<b>x</b>"


def test_a_silent_note_reaches_nobody_and_moves_nothing(sandbox: Sandbox, api: Api, ticket_id: int) -> None:
    before = api.call("GET", f"/tickets/{ticket_id}").json()
    sandbox.store.notifications.clear()

    assert api.add_note(ticket_id).status_code == 201

    after = api.call("GET", f"/tickets/{ticket_id}").json()
    assert {key for key in after if after[key] != before[key]} <= {"updated_at", "updated_by_id"}
    assert sandbox.store.notifications == []


def test_the_author_of_a_note_is_the_account(api: Api, ticket_id: int) -> None:
    note = api.add_note(ticket_id, **{"from": "Le maire", "created_by_id": 1}).json()

    assert note["from"] == "Greffier (IA)"
    assert note["created_by"] == "greffier@valbrume.example"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"type": "rien"}, "No lookup value found for 'type': \"rien\""),
        ({"body": ""}, "Need at least an 'article body' field."),
        ({"body": None}, "Need at least an 'article body' field."),
    ],
)
def test_an_article_that_makes_no_sense_is_refused(
    api: Api, ticket_id: int, fields: dict[str, str], words: str
) -> None:
    answer = api.call("POST", "/ticket_articles", json={"ticket_id": ticket_id, "body": "x"} | fields)

    assert (answer.status_code, answer.json()["error"]) == (422, words)


def test_nul_characters_are_removed(api: Api, ticket_id: int) -> None:
    assert api.add_note(ticket_id, body="a\0b").json()["body"] == "ab"


def test_a_body_that_is_not_utf8_is_a_bad_request(api: Api) -> None:
    json_headers = api.headers | {"Content-Type": "application/json"}
    answer = requests.post(f"{api.url}/ticket_articles", data=b'"\xff"', headers=json_headers, timeout=5)

    assert (answer.status_code, answer.json()) == (400, {"status": 400, "error": "Bad Request"})


def test_a_form_is_as_good_as_json(api: Api, ticket_id: int) -> None:
    assert api.call("POST", "/ticket_articles", data={"ticket_id": ticket_id, "body": "x"}).status_code == 201


def test_a_citizen_cannot_write_an_internal_note(sandbox: Sandbox, ticket_id: int) -> None:
    citizen = Api(sandbox, sandbox.tokens["jeanne.vauquelin@exemple.example"])

    article = citizen.add_note(ticket_id).json()

    assert (article["internal"], article["sender"]) == (False, "Customer")


def test_a_citizen_does_not_see_the_ticket_of_another(sandbox: Sandbox, ticket_id: int) -> None:
    other = Api(sandbox, sandbox.tokens["lucien.beraud@exemple.example"])

    assert other.call("GET", f"/tickets/{ticket_id}").status_code == 403


def test_the_account_may_not_write_in_a_group_that_it_has_no_access_to(sandbox: Sandbox, api: Api) -> None:
    ticket_id, _ = sandbox.write_as_customer("Objet", "Bonjour", group="Ressources humaines")

    assert api.add_note(ticket_id).status_code == 403
    assert sandbox.notes(ticket_id) == []


def test_a_note_can_be_taken_back_for_ten_minutes() -> None:
    now = [datetime(2026, 11, 22, tzinfo=UTC)]
    with Sandbox(SandboxConfig(clock=lambda: now[0])).start() as sandbox:
        ticket_id, _ = sandbox.write_as_customer("Objet", "Bonjour")
        api = Api(sandbox, sandbox.token)
        old, fresh = (api.add_note(ticket_id).json()["id"] for _ in range(2))
        now[0] += timedelta(seconds=600)
        assert api.call("DELETE", f"/ticket_articles/{fresh}").status_code == 200
        now[0] += timedelta(seconds=1)
        assert api.call("DELETE", f"/ticket_articles/{old}").status_code == 403
        assert [note.id for note in sandbox.notes(ticket_id)] == [old]


def test_the_note_of_somebody_else_cannot_be_taken_back(sandbox: Sandbox, api: Api, ticket_id: int) -> None:
    answer = api.call("DELETE", f"/ticket_articles/{sandbox.reply_as_agent(ticket_id, 'Bonjour')}")

    assert (answer.status_code, answer.json()["error"]) == (
        403,
        "Not authorized (you can only delete your own notes)!",
    )


def test_ids_survive_many_writers_at_once(sandbox: Sandbox, api: Api, ticket_id: int) -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda _: api.add_note(ticket_id).json()["id"], range(40)))

    assert len(set(ids)) == 40
    assert sorted(ids) == [note.id for note in sandbox.notes(ticket_id)]


def test_the_next_calls_fail_with_a_page_and_then_no_more(sandbox: Sandbox, api: Api, ticket_id: int) -> None:
    sandbox.faults.api_failures = 2

    answers = [api.add_note(ticket_id) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [503, 503, 201]
    assert answers[0].headers["Content-Type"].startswith("text/html")


def test_a_lost_answer_leaves_the_note_behind(sandbox: Sandbox, api: Api, ticket_id: int) -> None:
    sandbox.faults.lost_answers = 1

    with pytest.raises(requests.ConnectionError):
        api.add_note(ticket_id)

    assert len(sandbox.notes(ticket_id)) == 1
    assert api.add_note(ticket_id).status_code == 201


@pytest.mark.parametrize(
    ("tokens", "status", "words"),
    [
        ("revoked", 401, "Can't find User for Token"),
        ("expired", 401, "(token expired)"),
        ("disabled", 403, "API token access disabled!"),
    ],
)
def test_a_token_can_stop_being_good(sandbox: Sandbox, api: Api, tokens: str, status: int, words: str) -> None:
    sandbox.faults.tokens = tokens  # type: ignore[assignment]

    answer = api.call("GET", "/users/me")

    assert answer.status_code == status
    assert words in answer.headers["X-Failure"]


def test_maintenance_refuses_whoever_is_no_admin(sandbox: Sandbox, api: Api) -> None:
    sandbox.faults.maintenance = True

    assert api.call("GET", "/users/me").status_code == 403


def test_a_slow_api_outlasts_an_impatient_client(sandbox: Sandbox, api: Api) -> None:
    sandbox.faults.api_delay = 0.5

    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{api.url}/users/me", headers=api.headers, timeout=0.05)
