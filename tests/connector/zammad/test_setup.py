"""Set-up against a scripted Zammad: what it says of what it finds, and what it does when it is refused something."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connector.errors import ConfigurationError, RemoteError
from connector.helpdesk import Action, Change, SetsUp, Setup
from connector.ticket import Level
from connector.zammad import setup_objects
from connector.zammad.macros import MACROS
from connector.zammad.setup_objects import MARK, NAMES, TRIGGERS
from tests.conftest import FIXTURES
from tests.connector.replay import Neighbour, Reply, recorded
from tests.connector.zammad.recordings import SECRET, zammad

ENDPOINT = "https://greffier.example/webhooks/mairie"
FORBIDDEN = Reply({"error": "Not authorized (user)!"}, 403)


def from_source(name: str) -> Any:
    return json.loads((FIXTURES / "zammad-from-source" / f"{name}.json").read_text("utf-8"))


def setup_of(server: Neighbour, **values: Any) -> Setup:
    helpdesk = zammad(server.url, **{"groups": {"État civil": "draft"}, **values})
    assert isinstance(helpdesk, SetsUp)
    return helpdesk.set_up("jeton-admin", ENDPOINT)


def serve_empty(server: Neighbour, *apart: str) -> None:
    """A Zammad 5.2 with two groups and nothing else, for an admin who may all."""
    rows = {"groups": [{"id": 1, "name": "État civil"}, {"id": 2, "name": "Urbanisme"}]}
    for kind in ("groups", "webhooks", "triggers", "macros", "tag_list"):
        if kind not in apart:
            server.on("GET", f"/api/v1/{kind}", Reply(rows.get(kind, [])))
    if "macros" not in apart:
        server.on("PUT", "/api/v1/macros/0", Reply({"error": "Couldn't find Macro with 'id'=0"}, 404))
    server.on_recorded("api_users_me")


def ours(*names: str) -> Reply:
    """Objects of those names that bear our mark."""
    return Reply([{"id": id, "name": name, "note": MARK} for id, name in enumerate(names, 1)])


def actions(changes: list[Change]) -> dict[str, Action]:
    return {change.subject: change.action for change in changes}


def test_the_names_of_triggers_are_ascii_for_they_travel_in_a_header() -> None:
    assert all(name.isascii() for name in TRIGGERS)


def test_the_names_that_are_taken_away_are_those_that_are_made() -> None:
    items = [*setup_objects.triggers(1, [1], 5), *setup_objects.macros([1]), setup_objects.webhook(ENDPOINT, SECRET)]
    assert [(item.kind, item.name) for item in items] == [(kind, name) for kind in NAMES for name in NAMES[kind]]


def test_the_note_of_every_macro_is_found_by_the_trigger_of_macros() -> None:
    assert all(macro.subject.startswith(setup_objects.SUBJECT) for macro in MACROS)


@pytest.mark.parametrize(
    ("name", "recording"),
    [
        ("greffier-message-usager", "setup_trigger_customer_message"),
        ("greffier-demande", "setup_trigger_redraft_request"),
    ],
)
def test_a_trigger_has_the_form_of_the_contract(name: str, recording: str) -> None:
    item = next(item for item in setup_objects.triggers(1, [2, 3, 4], 5) if item.name == name)
    body, expected = dict(item.bodies[0]), from_source(recording)
    for condition in (body["condition"], expected["condition"]):
        condition.pop("article.subject", None)
        condition.pop("article.created_by_id", None)
    assert body | {"name": ""} == expected | {"name": ""}


def test_a_webhook_whose_secret_is_masked_is_as_it_should_be() -> None:
    answer = from_source("setup_webhook_response_201")
    assert setup_objects.webhook(answer["endpoint"], "x" * 30).differences(answer) == []


def test_fields_that_5_2_does_not_have_are_not_compared() -> None:
    answer = recorded("setup_webhook_create")["response"]["json"]
    item = setup_objects.webhook(answer["endpoint"], SECRET)
    assert item.differences(answer) == ["name", "note"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (["false"], False, True),
        ("2", [2], True),
        (["3", "2"], [2, 3], True),
        ({"operator": "is", "value": "1"}, {"operator": "is", "value": ["1"], "pre_condition": ""}, True),
        ({"operator": "is", "value": "1"}, {"operator": "is not", "value": "1"}, False),
        (["1"], ["1", "2"], False),
        ([{"name": "a", "value": [1]}], [{"name": "a", "value": ["1"]}], True),
        (None, "", True),
    ],
)
def test_forms_that_zammad_takes_for_the_same_are_the_same(one: object, other: object, same: bool) -> None:
    assert (setup_objects.comparable(one) == setup_objects.comparable(other)) is same


def test_an_empty_zammad_gets_everything_and_the_plan_changes_nothing(server: Neighbour) -> None:
    serve_empty(server)
    changes = setup_of(server).plan()
    assert {change.action for change in changes} == {Action.CREATE}
    assert [change.subject for change in changes] == [
        "webhook Greffier",
        *(f"trigger {name}" for name in TRIGGERS),
        *(f"macro {macro.name}" for macro in MACROS),
        "tag greffier-projet",
    ]
    assert server.asked("POST") == []
    assert [call.path for call in server.asked("PUT")] == ["/api/v1/macros/0"]


def test_every_permission_that_the_token_lacks_is_named_at_once(server: Neighbour) -> None:
    serve_empty(server, "webhooks", "macros", "tag_list")
    server.on("GET", "/api/v1/webhooks", FORBIDDEN)
    server.on("GET", "/api/v1/macros", Reply([]))
    server.on("PUT", "/api/v1/macros/0", FORBIDDEN)
    server.on("GET", "/api/v1/tag_list", FORBIDDEN)
    with pytest.raises(RemoteError, match=r"lacks admin\.webhook, admin\.macro, admin\.tag: give") as raised:
        setup_of(server).plan()
    assert raised.value.permanent
    assert server.asked("POST") == []


def test_an_admin_who_is_no_agent_has_macros_listed_by_our_own_token(server: Neighbour) -> None:
    serve_empty(server, "macros")
    server.on("PUT", "/api/v1/macros/0", Reply({"error": "Couldn't find Macro with 'id'=0"}, 404))
    server.on("GET", "/api/v1/macros", FORBIDDEN, Reply([{"id": 3, "name": MACROS[0].name, "note": "à nous"}]))
    assert actions(setup_of(server).plan())[f"macro {MACROS[0].name}"] is Action.LEAVE
    tokens = [call.headers["Authorization"] for call in server.calls if call.path.startswith("/api/v1/macros?")]
    assert tokens == ["Token token=jeton-admin", "Token token=jeton"]


@pytest.mark.parametrize("name", ["error_bad_token", "error_token_expired"])
def test_a_refused_admin_token_is_told_from_our_own(server: Neighbour, name: str) -> None:
    server.on_recorded(name, path="/api/v1/groups")
    with pytest.raises(RemoteError, match=r"mairie, as admin: Zammad refuses this token") as raised:
        setup_of(server).plan()
    assert "jeton-admin" not in str(raised.value)


def test_maintenance_is_no_lack_of_permission(server: Neighbour) -> None:
    server.on("GET", "/api/v1/groups", Reply({"error": "Maintenance mode enabled!"}, 403))
    with pytest.raises(RemoteError, match="in maintenance"):
        setup_of(server).plan()


def test_a_group_that_zammad_does_not_have_is_named_with_its_setting(server: Neighbour) -> None:
    serve_empty(server)
    with pytest.raises(ConfigurationError, match=r"helpdesks\.mairie\.groups: Zammad has no group Etat civil; it has:"):
        setup_of(server, groups={"Etat civil": "draft"}).plan()


def test_without_a_covered_group_there_is_nothing_to_set_up(server: Neighbour) -> None:
    serve_empty(server)
    with pytest.raises(ConfigurationError, match=r"helpdesks\.mairie\.groups: no group is covered"):
        setup_of(server, groups={"Urbanisme": "off"}).plan()


def test_where_zammad_is_polled_there_are_macros_and_neither_webhook_nor_permission_for_it(server: Neighbour) -> None:
    serve_empty(server, "webhooks", "triggers")
    changes = setup_of(server, intake="poll", webhook_secret=None).plan()
    assert [change.subject.split()[0] for change in changes] == ["macro", "macro", "tag"]


def test_a_webhook_of_that_name_without_our_mark_is_left_alone_and_so_are_its_triggers(server: Neighbour) -> None:
    serve_empty(server, "webhooks")
    server.on("GET", "/api/v1/webhooks", Reply([{"id": 1, "name": "greffier", "endpoint": "https://autre.example"}]))
    changes = actions(setup_of(server).plan())
    assert changes["webhook Greffier"] is Action.LEAVE
    assert {changes[f"trigger {name}"] for name in TRIGGERS} == {Action.LEAVE}


def test_more_objects_than_a_page_holds_are_all_looked_at(server: Neighbour) -> None:
    serve_empty(server, "triggers")
    first = [{"id": id, "name": f"t{id}"} for id in range(1, 501)]
    last = [{"id": 501, "name": TRIGGERS[0], "note": "à nous"}]
    server.on("GET", "/api/v1/triggers", Reply(first), Reply(last))
    assert actions(setup_of(server).plan())[f"trigger {TRIGGERS[0]}"] is Action.LEAVE


def test_a_condition_that_an_old_version_refuses_is_given_in_its_old_form(server: Neighbour) -> None:
    serve_empty(server, "webhooks")
    server.on("GET", "/api/v1/webhooks", Reply([]), ours("Greffier"))
    server.on("POST", "/api/v1/webhooks", Reply({"id": 7}, 201))
    server.on(
        "POST", "/api/v1/triggers", Reply({"error": "Invalid ticket selector conditions"}, 422), Reply({"id": 1}, 201)
    )
    for change in setup_of(server).plan()[:2]:
        assert change.apply is not None
        change.apply()
    newer, older = (call.json for call in server.asked("POST")[1:])
    assert newer["condition"].pop("article.action") == {"operator": "is", "value": "create"}
    assert newer == older
    assert older["perform"] == {"notification.webhook": {"webhook_id": "1"}}


def test_another_refusal_is_told_in_zammads_words(server: Neighbour) -> None:
    serve_empty(server, "webhooks")
    server.on("GET", "/api/v1/webhooks", ours("Greffier"))
    server.on("POST", "/api/v1/triggers", Reply({"error": "Object already exists!"}, 422))
    change = setup_of(server).plan()[1]
    assert change.apply is not None
    with pytest.raises(RemoteError, match="Object already exists!"):
        change.apply()


def test_what_bears_our_mark_under_another_name_is_removed_after_its_successor_is_made(server: Neighbour) -> None:
    serve_empty(server, "triggers", "macros", "webhooks")
    server.on("PUT", "/api/v1/macros/0", Reply({"error": "Couldn't find Macro with 'id'=0"}, 404))
    server.on("GET", "/api/v1/triggers", ours("mon groupe", TRIGGERS[0].upper()))
    server.on("GET", "/api/v1/macros", ours("Autre rédaction"))
    server.on("GET", "/api/v1/webhooks", ours("ancien"))
    lines = [(change.action, change.subject, change.detail) for change in setup_of(server).plan()]
    gone = [line for line in lines if line[0] is Action.REMOVE]
    assert gone == [
        (Action.REMOVE, "trigger mon groupe", "bears our mark under another name"),
        (Action.REMOVE, "macro Autre rédaction", "bears our mark under another name"),
    ]
    subjects = [subject for _, subject, _ in lines]
    assert subjects.index("trigger mon groupe") > max(subjects.index(f"trigger {name}") for name in TRIGGERS)
    removed = actions(setup_of(server).removal())
    assert list(removed) == [
        "trigger mon groupe",
        f"trigger {TRIGGERS[0].upper()}",
        "macro Autre rédaction",
        "webhook ancien",
    ]
    assert set(removed.values()) == {Action.REMOVE}


def test_a_renamed_trigger_of_ours_stays_while_it_can_have_no_successor(server: Neighbour) -> None:
    serve_empty(server, "triggers", "webhooks")
    server.on("GET", "/api/v1/triggers", ours("mon groupe"))
    server.on("GET", "/api/v1/webhooks", Reply([{"id": 1, "name": "Greffier"}]))
    assert "trigger mon groupe" not in actions(setup_of(server).plan())


def test_a_tag_that_tickets_carry_stays(server: Neighbour) -> None:
    serve_empty(server, "tag_list")
    server.on("GET", "/api/v1/tag_list", Reply([{"id": 4, "name": "greffier-projet", "count": 2}]))
    [change] = setup_of(server).removal()
    assert (change.action, change.detail) == (Action.KEEP, "2 tickets carry it")


def test_where_zammad_is_polled_a_token_for_macros_and_the_tag_is_enough_to_remove_them(server: Neighbour) -> None:
    serve_empty(server, "webhooks", "triggers", "macros")
    server.on("GET", "/api/v1/webhooks", FORBIDDEN)
    server.on("GET", "/api/v1/triggers", FORBIDDEN)
    server.on("PUT", "/api/v1/macros/0", Reply({"error": "Couldn't find Macro with 'id'=0"}, 404))
    server.on("GET", "/api/v1/macros", ours(MACROS[0].name))
    removed, *others = setup_of(server, intake="poll", webhook_secret=None).removal()
    assert (removed.action, removed.subject) == (Action.REMOVE, f"macro {MACROS[0].name}")
    assert [(change.action, change.subject) for change in others] == [
        (Action.KEEP, "triggers"),
        (Action.KEEP, "webhooks"),
    ]
    assert "lacks admin.trigger" in others[0].detail


def test_where_zammad_is_polled_what_is_left_of_webhooks_goes_if_the_token_may(server: Neighbour) -> None:
    serve_empty(server, "webhooks", "triggers")
    server.on("GET", "/api/v1/webhooks", ours("Greffier"))
    server.on("GET", "/api/v1/triggers", ours(*TRIGGERS))
    changes = setup_of(server, intake="poll", webhook_secret=None).removal()
    assert {change.action for change in changes} == {Action.REMOVE}
    assert [change.subject for change in changes] == [*(f"trigger {name}" for name in TRIGGERS), "webhook Greffier"]


def test_with_webhooks_a_removal_takes_every_permission(server: Neighbour) -> None:
    serve_empty(server, "triggers")
    server.on("GET", "/api/v1/triggers", FORBIDDEN)
    with pytest.raises(RemoteError, match=r"lacks admin\.trigger"):
        setup_of(server).removal()


def test_a_zammad_that_lets_no_token_in_says_so_and_not_that_the_token_is_bad(server: Neighbour) -> None:
    server.on("GET", "/api/v1/groups", Reply({"error": "API token access disabled!"}, 403))
    with pytest.raises(RemoteError, match="Token access is switched off"):
        setup_of(server).plan()


def test_roles_that_an_outage_hides_are_an_error_and_the_other_rights_are_told(server: Neighbour) -> None:
    serve_empty(server)
    server.on("GET", "/api/v1/roles/2", Reply({"error": "Error ID x"}, 500))
    found = {finding.subject: finding for finding in setup_of(server).findings()}
    assert found["helpdesks.mairie permissions"].level is Level.ERROR
    assert "Error ID x" in found["helpdesks.mairie permissions"].message
    assert "helpdesks.mairie group État civil" in found


def test_shared_drafts_that_a_group_hides_are_told_where_they_are_wanted(server: Neighbour) -> None:
    serve_empty(server, "groups")
    groups = [{"id": 1, "name": "État civil", "shared_drafts": False}, {"id": 2, "name": "X", "shared_drafts": False}]
    server.on("GET", "/api/v1/groups", Reply(groups))
    found = {finding.subject: finding for finding in setup_of(server, offer_draft=True).findings()}
    assert found["helpdesks.mairie group État civil drafts"].level is Level.WARNING
    assert "helpdesks.mairie group X drafts" not in found


def test_roles_that_the_admin_token_may_not_read_are_a_warning(server: Neighbour) -> None:
    serve_empty(server)
    server.on("GET", "/api/v1/roles/2", FORBIDDEN)
    found = {finding.subject: finding for finding in setup_of(server).findings()}
    assert "they take admin.role" in found["helpdesks.mairie permissions"].message


def test_our_objects_bear_the_mark() -> None:
    items = [*setup_objects.triggers(1, [1], 5), *setup_objects.macros([1]), setup_objects.webhook(ENDPOINT, SECRET)]
    assert all(body["note"] == MARK for item in items for body in item.bodies)
