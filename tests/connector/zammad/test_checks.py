from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from connector.ticket import Finding, Level
from tests.connector.replay import Neighbour, Reply, recorded
from tests.connector.zammad.recordings import zammad

RIGHTS = {"État civil": ["change", "read"], "Accueil": ["read"], "Urbanisme": ["full"]}


def findings(
    server: Neighbour, *, groups: Any = (), modes: Any = (), account: Any = (), **values: Any
) -> dict[str, Finding]:
    me = recorded("api_users_me")["response"]["json"] | {"groups": RIGHTS} | dict(account)
    server.on("GET", "/api/v1/users/me", Reply(me))
    server.on("GET", "/api/v1/tickets", Reply([]))
    helpdesk = zammad(server.url, groups=dict.fromkeys(groups, "draft") | dict(modes), **values)
    return {finding.subject: finding for finding in helpdesk.check()}


def test_a_sound_configuration_has_nothing_to_say(server: Neighbour) -> None:
    found = findings(server, groups=["État civil"])
    assert {finding.level for finding in found.values()} == {Level.OK}
    assert found["helpdesks.mairie account"].message == (
        "notes will be signed Greffier (brouillons) (greffier@valbrume.example)"
    )


@pytest.mark.parametrize(
    ("group", "level", "words"),
    [
        ("État civil", Level.OK, "read and change"),
        ("Accueil", Level.ERROR, "give the account the rights read and change"),
        ("Urbanisme", Level.WARNING, "full access"),
        ("Etat civil", Level.WARNING, "Known: Accueil, Urbanisme, État civil"),
    ],
)
def test_the_rights_on_a_group_are_looked_at(server: Neighbour, group: str, level: Level, words: str) -> None:
    finding = findings(server, groups=[group])[f"helpdesks.mairie group {group}"]
    assert finding.level is level
    assert words in finding.message


def test_rights_that_zammad_does_not_name_are_a_warning(server: Neighbour) -> None:
    found = findings(server, groups=["État civil"], account={"groups": None})
    assert found["helpdesks.mairie group État civil"].level is Level.WARNING


def test_a_group_that_is_off_is_not_looked_at(server: Neighbour) -> None:
    found = findings(server, groups=["Accueil", "Urbanisme"], modes={"Urbanisme": "off"})
    assert "helpdesks.mairie group Accueil" in found
    assert "helpdesks.mairie group Urbanisme" not in found


def test_an_inactive_account_is_an_error(server: Neighbour) -> None:
    assert findings(server, account={"active": False})["helpdesks.mairie account"].level is Level.ERROR


@pytest.mark.parametrize("name", ["error_bad_token", "error_token_expired", "error_no_auth"])
def test_a_refused_token_ends_the_check_with_zammads_words(server: Neighbour, name: str) -> None:
    server.on_recorded(name, path="/api/v1/users/me")
    last = list(zammad(server.url).check())[-1]
    assert (last.level, last.subject) == (Level.ERROR, "helpdesks.mairie account")
    assert recorded(name)["response"]["json"]["error"] in last.message


def test_nobody_at_the_address_is_an_error_and_raises_nothing() -> None:
    assert [finding.level for finding in zammad("http://127.0.0.1:1").check()] == [Level.ERROR]


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


@pytest.mark.parametrize(("minutes", "level"), [(0, Level.OK), (5, Level.WARNING), (-5, Level.WARNING)])
def test_a_clock_that_differs_is_a_warning(server: Neighbour, minutes: int, level: Level) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=minutes), usegmt=True)
    me = recorded("api_users_me")["response"]["json"]
    server.on("GET", "/api/v1/users/me", Reply(me, headers={"Date": date}))
    server.on("GET", "/api/v1/tickets", Reply([]))
    found = {finding.subject: finding for finding in zammad(server.url).check()}
    assert found["helpdesks.mairie clock"].level is level


def test_a_token_that_would_travel_in_clear_is_a_warning() -> None:
    first = next(zammad("http://nulle-part.invalid").check())
    assert (first.level, first.subject) == (Level.WARNING, "helpdesks.mairie.url")


def test_a_short_secret_is_a_warning(server: Neighbour) -> None:
    found = findings(server, previous_webhook_secret="court")
    assert found["helpdesks.mairie.webhook_secret"].level is Level.WARNING
