"""The sandbox as a Zammad of today, against the shapes that were read in the source of 7.0 and 7.2."""

from __future__ import annotations

import json
from fnmatch import fnmatch
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.conftest import FIXTURES
from tests.webhooks.demo.sandbox.conftest import Receiver
from tests.webhooks.demo.sandbox.recordings import differences
from tests.webhooks.demo.sandbox.town import deliver_again
from webhooks.demo.sandbox import Sandbox, SandboxConfig

KEPT = {
    "*.preferences.channel_id": "which mailbox a ticket came by: the sandbox has none",
    "*.preferences.form*": "who filled in the public form from where: the sandbox has none",
    "*.origin_by*": "the public form says nobody, the customers' pages that the sandbox stands for say who wrote",
    "*.detected_language": "the sandbox detects no language",
    "*.preferences.email_address_id": "set once the mail has left, which 5.2 was seen to have done by then",
    "*.message_id*": "set once the mail has left, which 5.2 was seen to have done by then",
    "*.cc": "empty text where the sandbox has null",
    "*.attachments.each.preferences*": "MIME headers kept from e-mails",
    "*organization*": "the sandbox has no organisation",
    "*.last_owner_update_at": "an agent's e-mail was seen to set it in 5.2",
    "*.group.signature*": "only the first group has an e-mail signature, and not all groups one",
    "*.group.note": "Zammad's first group has a note, the others have none",
    "*.assets.Group*": "the rights of the sandbox's account are its own, not its role's, so that its groups come along",
    "*.Role.each.*": "... and its role is Zammad's own",
    "*.group_ids": "... and it has groups itself",
    "*.last_login": "nobody logs in to see the account",
    "*.preferences.locale": "the sandbox keeps no preferences of people",
    "*.preferences.notification_config*": "the sandbox keeps no preferences of people",
}
"""Differences that are kept on purpose, by path, each with its reason."""

PLAIN = {"filename": "a.txt", "data": "YQ=="}
FOLDER = FIXTURES / "zammad-from-source"
KARIM = "karim.benslimane@mairie-valbourg.example"
DELIVERIES = sorted(path.stem for path in FOLDER.glob("webhook_*.json") if path.stem != "webhook_delivery_headers")


def source(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text("utf-8"))


class Valbourg(Sandbox):
    """The town of the examples; ticket 1 is the garden shed, with the citizen's e-mail."""

    def __init__(self, version: str = "7.2") -> None:
        config = SandboxConfig(
            version=version,
            account="Greffier (IA) <greffier@mairie-valbourg.example>",
            admin="Claire Fontanel <claire.fontanel@mairie-valbourg.example>",
            agents=("Claire Fontanel <claire.fontanel@mairie-valbourg.example>", f"Karim Benslimane <{KARIM}>"),
            groups=("Accueil", "État civil", "Urbanisme"),
        )
        super().__init__(config)
        self.write_as_customer(
            "Permis de construire : abri de jardin",
            "Bonjour",
            group="Urbanisme",
            customer="Jean-Luc Perrault <jl.perrault@courriel.example>",
            type="email",
        )

    def call(self, method: str, path: str, values: Any = None, *, admin: bool = False) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.admin_token if admin else self.token}"}
        return self.app.test_client().open(f"/api/v1{path}", method=method, json=values, headers=headers)


def articles(town: Valbourg) -> Any:
    note = source("api_post_internal_note_request") | {"ticket_id": 1}
    assert town.call("POST", "/ticket_articles", note).status_code == 201
    town.reply_as_agent(1, "Bonjour", agent=KARIM, in_reply_to="<1@courriel.example>")
    return town.call("GET", "/ticket_articles/by_ticket/1?expand=true").json


def note(town: Valbourg) -> Any:
    return town.call("POST", "/ticket_articles", source("api_post_internal_note_request") | {"ticket_id": 1}).json


def draft(town: Valbourg) -> Any:
    return town.call("PUT", "/tickets/1/shared_draft", source("api_put_shared_draft_request")).json


def deleted_draft(town: Valbourg) -> Any:
    draft(town)
    return town.call("DELETE", "/tickets/1/shared_draft").json


def answer_of_the_knowledge_base(town: Valbourg) -> Any:
    base = town.store.knowledge
    answer = base.add_answer(base.add_category("Urbanisme"), "Déclaration préalable", "<p>De 5 à 20 m².</p>")
    return town.call("GET", f"/knowledge_bases/1/answers/{answer.id}?include_contents={answer.id}").json


ANSWERS = {
    "api_get_ticket_plain": lambda town: town.call("GET", "/tickets/1").json,
    "api_get_ticket_expand": lambda town: town.call("GET", "/tickets/1?expand=true").json,
    "api_get_articles_by_ticket_expand": articles,
    "api_post_internal_note_response_201": note,
    "api_put_shared_draft_response_200": draft,
    "api_delete_shared_draft_response_200": deleted_draft,
    "api_get_shared_draft_none": lambda town: town.call("GET", "/tickets/1/shared_draft").json,
    "api_search_condition_response_expand": lambda town: (
        town.call("POST", "/tickets/search", source("api_search_condition_request")).json
    ),
    "api_kb_answer_include_contents": answer_of_the_knowledge_base,
    "api_users_me": lambda town: town.call("GET", "/users/me").json,
    "setup_webhook_response_201": lambda town: (
        town.call("POST", "/webhooks", source("setup_webhook_request"), admin=True).json
    ),
}
"""How each example of an answer is asked for."""


def found_in_answer(name: str) -> set[str]:
    return differences(source(name), ANSWERS[name](Valbourg()), name.split("_")[2].removesuffix("s"))


def found_in_delivery(name: str) -> set[str]:
    recorded = source(name)
    return differences(recorded, json.loads(deliver_again(Valbourg(), recorded, KARIM)), "delivery")


def unexpected(found: set[str]) -> set[str]:
    return {path for path in found if not any(fnmatch(path, pattern) for pattern in KEPT)}


def test_every_kept_difference_is_still_one() -> None:
    found = {path for name in ANSWERS for path in found_in_answer(name)}
    found |= {path for name in DELIVERIES for path in found_in_delivery(name)}

    assert [pattern for pattern in KEPT if not any(fnmatch(path, pattern) for path in found)] == []


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_has_the_shape_of_the_source(name: str) -> None:
    assert unexpected(found_in_answer(name)) == set()


@pytest.mark.parametrize("name", DELIVERIES)
def test_a_delivery_has_the_shape_of_the_source(name: str) -> None:
    assert unexpected(found_in_delivery(name)) == set()


def test_secrets_are_masked_and_a_mask_that_is_written_back_changes_nothing() -> None:
    town = Valbourg()
    created = town.call("POST", "/webhooks", source("setup_webhook_request"), admin=True).json

    changed = town.call("PUT", f"/webhooks/{created['id']}", created | {"note": "autre"}, admin=True).json

    same = [key for key in source("setup_webhook_response_201") if not key.endswith(("_at", "_by_id"))]
    assert {key: created[key] for key in same} == {key: source("setup_webhook_response_201")[key] for key in same}
    assert changed["signature_token"] == changed["bearer_token"] == "**********"
    stored = town.store.objects.webhooks.rows[created["id"]]
    assert (stored["signature_token"], stored["bearer_token"]) == ("valbourg-secret-de-test", "jeton-de-test")


@pytest.mark.parametrize("version", ["6.5", "7.0", "7.2"])
@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("setup_trigger_*.json")))
def test_a_trigger_of_the_source_is_accepted(name: str, version: str) -> None:
    trigger = {"name": name, "perform": {"notification.webhook": {"webhook_id": "1"}}} | source(name)

    answer = Valbourg(version).call("POST", "/triggers", trigger, admin=True)

    assert answer.status_code == 201
    assert {key: answer.json[key] for key in trigger} == trigger


def test_a_macro_and_an_overview_of_the_source_are_accepted() -> None:
    town = Valbourg()

    for kind, name in (("macros", "setup_macro_redraft"), ("overviews", "setup_overview_drafts")):
        answer = town.call("POST", f"/{kind}", source(name), admin=True)
        assert answer.status_code == 201
        assert {key: answer.json[key] for key in source(name)} == source(name)


def test_a_role_an_account_and_a_token_are_made_as_in_the_source() -> None:
    town, steps = Valbourg(), source("setup_role_user_token")
    user = steps["user"]["json"] | {"login": "autre@mairie-valbourg.example", "email": "autre@mairie-valbourg.example"}
    headers = {"Authorization": f"Bearer {town.admin_token}", "From": user["login"]}

    role = town.call("POST", "/roles", steps["role"]["json"], admin=True)
    account = town.call("POST", "/users", user | {"group_ids": {"2": ["read", "change"]}}, admin=True)
    token = town.app.test_client().post("/api/v1/user_access_token", json=steps["token"]["json"], headers=headers)

    assert (role.status_code, account.status_code, token.status_code) == (201, 201, 200)
    assert token.json.keys() == steps["token"]["response"].keys()
    mine = town.app.test_client().get("/api/v1/users/me", headers={"Authorization": f"Bearer {token.json['token']}"})
    assert (mine.json["login"], mine.json["role_ids"]) == (user["login"], [role.json["id"]])
    assert mine.json["group_ids"] == {"2": ["change", "read"]}


def test_tags_answer_as_in_the_source() -> None:
    town, steps = Valbourg(), source("api_tags")

    for step, admin in (("admin_create", True), ("add", False), ("list", False), ("remove", False)):
        method, path = steps[step]["request"].split()
        given = steps[step].get("json")
        values = given | {"o_id": 1} if given and "o_id" in given else given
        path = path.removeprefix("/api/v1").replace("o_id=82", "o_id=1")
        answer = town.call(method, path, values, admin=admin)
        assert (answer.status_code, answer.json) == (steps[step]["status"], steps[step]["body"]), step


def test_a_delivery_has_the_headers_of_the_source(receiver: Receiver) -> None:
    expected = source("webhook_delivery_headers")["headers"]
    with Valbourg().start() as town:
        webhook = source("setup_webhook_request") | {"endpoint": receiver.url}
        town.call("POST", "/webhooks", webhook, admin=True)
        trigger = source("setup_trigger_customer_message")
        trigger["condition"]["ticket.group_id"]["value"] = ["1", "2"]
        town.call("POST", "/triggers", trigger, admin=True)
        town.write_as_customer("Acte", "Bonjour", group="État civil")
        assert town.deliveries.settle()

    headers = receiver.received[0].headers
    assert headers.keys() - {"Connection", "Content-Length"} == expected.keys()
    same = expected.keys() - {"X-Zammad-Delivery", "X-Hub-Signature", "Host"}
    assert {key: headers[key] for key in same} == {key: expected[key] for key in same}


def test_a_refusal_has_the_words_of_the_source() -> None:
    town, cases = Valbourg(), {case["case"]: case for case in source("api_errors")}
    note = {"ticket_id": 1, "body": "x"}
    trigger = source("setup_trigger_customer_message") | {"perform": {"notification.webhook": {"webhook_id": ""}}}
    calls = {
        "ticket does not exist": ("GET", "/tickets/999999", None, False),
        "unknown route": ("POST", "/tickets/82/shared_draft", None, False),
        "unknown id in a reference": ("PUT", "/tickets/1", {"group_id": 999}, False),
        "unknown group name on ticket create/update": ("PUT", "/tickets/1", {"group": "Cantine"}, False),
        "article without body": ("POST", "/ticket_articles", {"ticket_id": 1}, False),
        "attachment without mime-type": ("POST", "/ticket_articles", note | {"attachments": [PLAIN]}, False),
        "no right on the ticket group, or missing admin.* permission": ("GET", "/webhooks", None, False),
        "trigger with blank webhook_id (wording approximate)": ("POST", "/triggers", trigger, True),
    }

    for name, (method, path, values, admin) in calls.items():
        answer, case = town.call(method, path, values, admin=admin), cases[name]
        assert answer.status_code == case["status"], name
        assert answer.json == {key: value for key, value in case["body"].items() if value is not None}, name
        assert answer.headers.get("X-Failure") == case["headers"].get("X-Failure"), name
