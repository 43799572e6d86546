from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from connector.errors import RemoteError
from connector.ticket import Finding, Level
from tests.connector.replay import Neighbour, Reply, recorded
from tests.connector.zammad.recordings import zammad

RIGHTS = {"État civil": ["change", "read"]}
FORBIDDEN = Reply({"error": "Not authorized (user)!"}, 403)


def findings(
    server: Neighbour,
    *,
    groups: Any = (),
    modes: Any = (),
    account: Any = (),
    role: Reply = FORBIDDEN,
    **values: Any,
) -> dict[str, Finding]:
    me = recorded("api_users_me")["response"]["json"] | {"groups": RIGHTS} | dict(account)
    server.on("GET", "/api/v1/users/me", Reply(me, headers={"Date": format_datetime(datetime.now(UTC), usegmt=True)}))
    server.on("GET", "/api/v1/tickets", Reply([]))
    server.on("POST", "/api/v1/tickets/search", Reply([]))
    server.on_recorded("error_webhooks_no_permission")
    server.on("GET", "/api/v1/triggers", FORBIDDEN)
    server.on("GET", "/api/v1/roles/2", role)
    helpdesk = zammad(server.url, groups=dict.fromkeys(groups, "draft") | dict(modes), **values)
    return {finding.subject: finding for finding in helpdesk.check()}


def test_a_sound_configuration_has_nothing_to_say(server: Neighbour) -> None:
    found = findings(server, groups=["État civil"])
    assert {finding.level for finding in found.values()} == {Level.OK}
    assert found["helpdesks.mairie account"].message == (
        "notes will be signed Greffier (brouillons) (greffier@valbrume.example)"
    )


@pytest.mark.parametrize(
    ("rights", "level", "words"),
    [
        (["change", "read"], Level.OK, "read and change"),
        (["read"], Level.ERROR, "give the account the rights read and change (it has read)"),
        (["full"], Level.WARNING, "full access"),
        (["change", "create", "read"], Level.WARNING, "create is too much"),
    ],
)
def test_the_rights_on_a_group_are_looked_at(server: Neighbour, rights: list[str], level: Level, words: str) -> None:
    found = findings(server, groups=["État civil"], account={"groups": {"État civil": rights}})
    assert found["helpdesks.mairie group État civil"].level is level
    assert words in found["helpdesks.mairie group État civil"].message


@pytest.mark.parametrize("group", ["Etat civil", "état civil", "État  civil ", "E\u0301tatcivil"])
def test_a_group_that_is_spelled_otherwise_is_an_error_and_its_right_not_too_many(
    server: Neighbour, group: str
) -> None:
    found = findings(server, groups=[group])
    finding = found[f"helpdesks.mairie group {group}"]
    assert (finding.level, finding.message) == (Level.ERROR, "spelled otherwise in Zammad: État civil")
    assert "helpdesks.mairie other groups" not in found


def test_a_group_that_is_not_known_is_shown_beside_those_that_are(server: Neighbour) -> None:
    finding = findings(server, groups=["Voirie"])["helpdesks.mairie group Voirie"]
    assert finding.level is Level.WARNING
    assert "given by a role? Known: État civil" in finding.message


def test_a_group_that_is_read_and_not_named_is_a_right_too_many(server: Neighbour) -> None:
    rights = RIGHTS | {"Paie": ["read"], "Stocks": ["create"], "Voirie": ["full"], "Urbanisme": ["read", "change"]}
    found = findings(server, modes={"État civil": "draft", "Urbanisme": "off"}, account={"groups": rights})
    assert "also reads Paie, Voirie, which" in found["helpdesks.mairie other groups"].message


def test_rights_that_a_role_gives_are_seen_where_the_token_may_read_roles(server: Neighbour) -> None:
    role = {"name": "Greffier", "permissions": ["ticket.agent", "cti.agent"], "groups": {"Accueil": ["read", "change"]}}
    server.on("GET", "/api/v1/roles/2", Reply(role))
    found = findings(server, groups=["Accueil", "Voirie"])
    assert found["helpdesks.mairie group Accueil"].message == "read and change, by the role Greffier"
    assert found["helpdesks.mairie group Voirie"].level is Level.ERROR
    assert found["helpdesks.mairie permissions"].message == "ticket.agent; not needed: cti.agent"


@pytest.mark.parametrize(
    ("permissions", "level", "words"),
    [
        (["ticket.agent", "admin.user"], Level.WARNING, "without: admin.user"),
        (["admin", "ticket.agent"], Level.WARNING, "without: admin"),
        (["knowledge_base.reader"], Level.ERROR, "lack ticket.agent"),
    ],
)
def test_the_permissions_of_the_roles_are_looked_at(
    server: Neighbour, permissions: list[str], level: Level, words: str
) -> None:
    server.on("GET", "/api/v1/roles/2", Reply({"name": "R", "permissions": permissions, "groups": {}}))
    finding = findings(server)["helpdesks.mairie permissions"]
    assert finding.level is level
    assert words in finding.message


@pytest.mark.parametrize(
    "answer",
    [
        Reply({"error": "Error ID x"}, 500),
        Reply(hang=1.0),
        Reply({"error": "Maintenance mode enabled!"}, 403),
        Reply({"error": "Can't find User for Token"}, 401),
        Reply({"error": "API token access disabled!"}, 403),
        Reply({"nom": "Greffier"}),
    ],
    ids=["500", "time-out", "maintenance", "revoked", "switched off", "another shape"],
)
def test_roles_that_an_outage_hides_are_an_error_and_no_answer_about_groups(server: Neighbour, answer: Reply) -> None:
    found = findings(server, groups=["État civil", "Voirie"], role=answer, timeout=0.3)
    assert found["helpdesks.mairie permissions"].level is Level.ERROR
    assert "could not be read" in found["helpdesks.mairie permissions"].message
    assert found["helpdesks.mairie group État civil"].level is Level.OK
    with pytest.raises(RemoteError) as caught:
        zammad(server.url, timeout=0.3).reads(["Voirie"])
    assert not caught.value.permanent


@pytest.mark.parametrize("answer", [FORBIDDEN, Reply({"error": "Couldn't find Role with 'id'=2"}, 404)])
def test_roles_that_the_token_may_not_read_leave_the_accounts_own_rights(server: Neighbour, answer: Reply) -> None:
    assert "helpdesks.mairie permissions" not in findings(server, groups=["État civil"], role=answer)
    assert zammad(server.url).reads(["État civil"])
    assert not zammad(server.url).reads(["Voirie"])


def test_an_account_without_an_active_role_lacks_everything(server: Neighbour) -> None:
    found = findings(server, role=Reply({"name": "R", "active": False, "permissions": ["ticket.agent"]}))
    assert found["helpdesks.mairie permissions"].level is Level.ERROR
    assert "no active role" in found["helpdesks.mairie permissions"].message


def test_a_token_that_may_list_webhooks_has_too_many_rights(server: Neighbour) -> None:
    server.on("GET", "/api/v1/webhooks", Reply([]))
    finding = findings(server)["helpdesks.mairie.token permissions"]
    assert finding.level is Level.WARNING
    assert "it has admin.webhook." in finding.message


def test_a_search_that_fails_is_an_error(server: Neighbour) -> None:
    server.on("POST", "/api/v1/tickets/search", Reply({"error": "Error ID x: Please contact"}, 422))
    finding = findings(server)["helpdesks.mairie search"]
    assert finding.level is Level.ERROR
    assert "Error ID x" in finding.message


def test_the_search_is_the_one_that_finds_messages(server: Neighbour) -> None:
    findings(server)
    list(zammad(server.url).updated_since(datetime.now(UTC)))
    checked, swept = (call.json for call in server.asked("POST"))
    for body in (checked, swept):
        body["condition"]["ticket.updated_at"].pop("value")
    assert checked == swept


def test_a_helpdesk_that_is_polled_needs_no_secret(server: Neighbour) -> None:
    found = findings(server, groups=["État civil"], intake="poll", webhook_secret=None)
    assert {finding.level for finding in found.values()} == {Level.OK}


def test_rights_that_zammad_does_not_name_are_a_warning(server: Neighbour) -> None:
    found = findings(server, groups=["État civil"], account={"groups": None})
    assert found["helpdesks.mairie group État civil"].level is Level.WARNING


def test_a_group_that_is_off_is_not_looked_at(server: Neighbour) -> None:
    found = findings(server, groups=["État civil", "Urbanisme"], modes={"Urbanisme": "off"})
    assert "helpdesks.mairie group État civil" in found
    assert "helpdesks.mairie group Urbanisme" not in found


def test_an_inactive_account_is_an_error(server: Neighbour) -> None:
    assert findings(server, account={"active": False})["helpdesks.mairie account"].level is Level.ERROR


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("error_bad_token", "helpdesks.mairie.token"),
        ("error_token_expired", "helpdesks.mairie.token"),
        ("error_no_auth", "helpdesks.mairie account"),
    ],
)
def test_a_refused_token_ends_the_check_with_zammads_words(server: Neighbour, name: str, subject: str) -> None:
    server.on_recorded(name, path="/api/v1/users/me")
    last = list(zammad(server.url).check())[-1]
    assert (last.level, last.subject) == (Level.ERROR, subject)
    assert recorded(name)["response"]["json"]["error"] in last.message


def test_nobody_at_the_address_is_an_error_of_its_setting_and_raises_nothing() -> None:
    [finding] = zammad("http://127.0.0.1:1").check()
    assert (finding.level, finding.subject) == (Level.ERROR, "helpdesks.mairie.url")


def test_an_address_at_which_no_zammad_is_is_an_error_of_its_setting(server: Neighbour) -> None:
    server.on("GET", "/api/v1/users/me", Reply(status=404, text="<h1>Not Found</h1>"))
    [finding] = zammad(server.url).check()
    assert (finding.level, finding.subject) == (Level.ERROR, "helpdesks.mairie.url")
    assert "is url its address?" in finding.message


def test_a_token_without_the_permission_is_named(server: Neighbour) -> None:
    response = recorded("error_ticket_no_group_access")["response"]
    server.on("GET", "/api/v1/tickets", Reply(response["json"], response["status"]))
    finding = findings(server)["helpdesks.mairie.token"]
    assert finding.level is Level.ERROR
    assert "ticket.agent" in finding.message


def test_a_permission_that_could_not_be_tested_is_a_warning(server: Neighbour) -> None:
    server.on("GET", "/api/v1/tickets", Reply({"error": "en travaux"}, 500))
    finding = findings(server)["helpdesks.mairie.token"]
    assert finding.level is Level.WARNING
    assert "en travaux" in finding.message


@pytest.mark.parametrize(
    ("minutes", "level", "words"),
    [
        (0, Level.OK, "agrees"),
        (4, Level.WARNING, "ahead of ours"),
        (-4, Level.WARNING, "behind ours"),
        (6, Level.ERROR, "ahead of ours"),
        (-6, Level.ERROR, "behind ours"),
    ],
)
def test_a_clock_that_differs_is_a_warning_and_beyond_the_overlap_of_the_sweep_an_error(
    server: Neighbour, minutes: int, level: Level, words: str
) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=minutes), usegmt=True)
    me = recorded("api_users_me")["response"]["json"]
    server.on("GET", "/api/v1/users/me", Reply(me, headers={"Date": date}))
    found = {finding.subject: finding for finding in zammad(server.url).check()}
    assert found["helpdesks.mairie clock"].level is level
    assert words in found["helpdesks.mairie clock"].message


def test_an_answer_without_a_readable_date_is_a_warning(server: Neighbour) -> None:
    me = recorded("api_users_me")["response"]["json"]
    server.on("GET", "/api/v1/users/me", Reply(me, headers={"Date": "hier"}))
    found = {finding.subject: finding for finding in zammad(server.url).check()}
    assert found["helpdesks.mairie clock"].level is Level.WARNING


def test_a_token_that_would_travel_in_clear_is_a_warning() -> None:
    first = next(zammad("http://nulle-part.invalid").check())
    assert (first.level, first.subject) == (Level.WARNING, "helpdesks.mairie.url")


def test_a_short_secret_is_a_warning(server: Neighbour) -> None:
    found = findings(server, previous_webhook_secret="court")
    assert found["helpdesks.mairie.webhook_secret"].level is Level.WARNING
