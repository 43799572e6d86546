"""`greffier setup zammad` against the sandbox, which speaks as Zammad 5.2 and as 7.0."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from connector.errors import GreffierError
from connector.signature import is_signed
from connector.ticket import EventKind
from connector.zammad.events import read_event
from connector.zammad.macros import MACROS
from connector.zammad.setup_objects import TRIGGERS
from tests.connector.replay import Neighbour, Reply, neighbour
from webhooks import logs
from webhooks.cli import cli
from webhooks.demo.sandbox import Sandbox, SandboxConfig
from webhooks.demo.sandbox.objects import Refused
from webhooks.demo.sandbox.records import NewArticle

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "zammad.md"
SECRET = "un secret de webhook pour les essais"
CONFIG = """
database_url = "postgresql://nobody@127.0.0.1:1/none"     # set-up needs no database
[helpdesks.mairie]
kind = "zammad"
url = "{url}"
token = "{token}"
intake = "webhook"
webhook_secret = "{secret}"
groups = {{ "État civil" = "draft", "Ressources humaines" = "off" }}
[chat]
base_url = "http://127.0.0.1:1/v1"
model = "none"
"""


@dataclass
class Desk:
    """A Zammad, the Greffier that it is to call, and the command."""

    sandbox: Sandbox
    greffier: Neighbour
    config: Path

    def setup(self, *arguments: str, token: str | None = None) -> Result:
        environment = {"ZAMMAD_ADMIN_TOKEN": self.sandbox.admin_token if token is None else token}
        command = ["--config", str(self.config), "setup", "zammad", *arguments]
        return CliRunner(env=environment).invoke(cli, command)

    def apply(self, *arguments: str) -> Result:
        return self.setup("--url", self.greffier.url, "--apply", *arguments)

    def plan(self) -> Result:
        return self.setup("--url", self.greffier.url)

    def edit(self, old: str, new: str) -> None:
        text = self.config.read_text("utf-8")
        assert old in text
        self.config.write_text(text.replace(old, new), "utf-8")

    def objects(self) -> dict[str, list[dict[str, Any]]]:
        kinds = ("webhooks", "triggers", "macros", "tag_list")
        return {kind: [dict(row) for row in getattr(self.sandbox.store.objects, kind)] for kind in kinds}

    def only(self, kind: str, name: str) -> dict[str, Any]:
        """The object as the sandbox keeps it, to be looked at or changed."""
        row = getattr(self.sandbox.store.objects, kind).named(name)
        assert isinstance(row, dict)
        return row

    def told(self, act: Callable[[], object]) -> list[str]:
        """The triggers whose signed deliveries arrive because of what was done."""
        assert self.sandbox.deliveries.settle()
        before = len(self.greffier.calls)
        act()
        assert self.sandbox.deliveries.settle()
        calls = self.greffier.calls[before:]
        for call in calls:
            assert call.path == "/webhooks/mairie"
            signature = call.headers["X-Hub-Signature"].removeprefix("sha1=")
            assert is_signed(call.body, signature, [SECRET], digest="sha1")
        return [call.headers["X-Zammad-Trigger"] for call in calls]

    def kinds(self) -> list[EventKind | None]:
        """What Greffier takes each delivery for."""
        read = (
            read_event("mairie", [SECRET], {name.lower(): text for name, text in call.headers.items()}, call.body)
            for call in self.greffier.calls
        )
        return [event.kind if event else None for event in read]


@pytest.fixture(params=["5.2", "7.0"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    config = tmp_path / "greffier.toml"
    sandboxed = SandboxConfig(version=request.param, groups=("État civil",), other_groups=("Ressources humaines",))
    with Sandbox(sandboxed).start() as sandbox, neighbour() as greffier:
        greffier.on("POST", "/webhooks/mairie", Reply({}, 202))
        config.write_text(CONFIG.format(url=sandbox.url, token=sandbox.token, secret=SECRET), "utf-8")
        yield Desk(sandbox, greffier, config)


def test_the_plan_says_what_would_be_made_and_makes_nothing(desk: Desk) -> None:
    done = desk.plan()
    assert done.exit_code == 0, done.output
    assert f"create  webhook Greffier: to {desk.greffier.url}/webhooks/mairie\n" in done.output
    assert "create  trigger greffier-message-usager: a customer's message\n" in done.output
    assert done.output.endswith("nothing was changed: add --apply to do it\n")
    assert not any(desk.objects().values())


def test_applied_twice_all_is_there_once_and_as_it_should_be(desk: Desk) -> None:
    first = desk.apply()
    assert first.exit_code == 0, first.output
    assert [line.split(":")[0] for line in first.output.splitlines() if line.startswith("created")] == [
        "created webhook Greffier",
        "created trigger greffier-message-usager",
        "created trigger greffier-reponse-agent",
        "created trigger greffier-demande",
        "created trigger greffier-commande",
        "created trigger greffier-groupe",
        *(f"created macro {macro.name.split(':')[0]}" for macro in MACROS),
        "created tag greffier-projet",
    ]
    before = desk.objects()
    for second in (desk.plan(), desk.apply()):
        assert second.exit_code == 0, second.output
        assert second.output.endswith("all is as it should be\n")
    after = desk.objects()
    assert {kind: [row["name"] for row in rows] for kind, rows in after.items()} == {
        kind: [row["name"] for row in rows] for kind, rows in before.items()
    }
    assert desk.only("webhooks", "Greffier")["signature_token"] == SECRET


def test_what_the_demos_helpdesk_is_set_up_with_is_as_it_should_be(desk: Desk) -> None:
    desk.sandbox.set_up(f"{desk.greffier.url}/webhooks/mairie", SECRET)
    planned = desk.plan()
    assert planned.exit_code == 0, planned.output
    lines = [line for line in planned.output.splitlines() if not line.startswith(("ok ", "warning "))]
    assert [line.split()[0] for line in lines[:-1]] == ["keep"] * 9
    assert lines[-1] == "all is as it should be"


def test_each_thing_that_happens_makes_one_signed_delivery(desk: Desk) -> None:
    desk.apply()
    act = desk.sandbox
    ticket, _ = act.write_as_customer("Acte", "Bonjour, comment obtenir un acte de naissance ?")
    assert act.deliveries.settle()
    assert [call.headers["X-Zammad-Trigger"] for call in desk.greffier.calls] == ["greffier-message-usager"]
    assert desk.told(lambda: act.write_as_customer("Acte", "Et en ligne ?", ticket_id=ticket)) == [
        "greffier-message-usager"
    ]
    assert desk.told(lambda: act.reply_as_agent(ticket, "Bonjour, oui.")) == ["greffier-reponse-agent"]
    for macro in MACROS:
        for new_pages in (False, True):
            assert desk.told(lambda: act.run_macro(ticket, macro.name, new_ui=new_pages)) == [  # noqa: B023
                "greffier-demande"
            ]
    assert desk.told(lambda: act.note_as_agent(ticket, "@greffier encore plus court")) == ["greffier-commande"]
    elsewhere, _ = act.write_as_customer("Acte", "Bonjour.", group="Ressources humaines")
    assert desk.told(lambda: act.move(elsewhere, "État civil")) == ["greffier-groupe"]
    kinds = [kind for kind, _ in groupby(desk.kinds())]
    assert kinds == [EventKind.MESSAGE, EventKind.REPLY, EventKind.COMMAND, EventKind.TICKET]


def test_what_does_not_concern_greffier_makes_no_delivery(desk: Desk) -> None:
    desk.apply()
    act, note = desk.sandbox, NewArticle("@greffier stop", subject="Greffier : plus de projet", internal=True)
    ticket, _ = act.write_as_customer("Acte", "Bonjour.")
    assert act.deliveries.settle()
    assert desk.told(lambda: act.store.add_article(act.account, ticket, replace(note, sender="System"))) == []
    assert desk.told(lambda: act.store.add_article(act.account, ticket, note)) == []
    assert desk.told(lambda: act.note_as_agent(ticket, "Vu avec le greffe.")) == []
    assert desk.told(lambda: act.close(ticket)) == []
    assert desk.told(lambda: act.write_as_customer("Paie", "Bonjour.", group="Ressources humaines")) == []


def test_a_ticket_that_leaves_the_covered_groups_is_told_of_by_old_versions_alone(desk: Desk) -> None:
    desk.apply()
    ticket, _ = desk.sandbox.write_as_customer("Acte", "Bonjour.")
    assert desk.sandbox.deliveries.settle()
    told = desk.told(lambda: desk.sandbox.move(ticket, "Ressources humaines"))
    assert told == (["greffier-groupe"] if desk.sandbox.store.zammad.number == "5.2" else [])


def test_what_was_changed_by_hand_is_named_and_corrected(desk: Desk) -> None:
    desk.apply()
    desk.only("triggers", "greffier-reponse-agent")["active"] = False
    desk.only("triggers", "greffier-message-usager")["condition"] = {"ticket.state_id": {"operator": "is", "value": 1}}
    desk.only("macros", MACROS[0].name)["group_ids"] = [1, 2]
    planned = desk.plan()
    assert "change  trigger greffier-reponse-agent: active\n" in planned.output
    assert "change  trigger greffier-message-usager: condition\n" in planned.output
    assert f"change  macro {MACROS[0].name}: group_ids\n" in planned.output
    assert desk.apply().exit_code == 0
    assert desk.plan().output.endswith("all is as it should be\n")


def test_another_address_and_another_secret_are_taken_over(desk: Desk) -> None:
    desk.apply()
    desk.edit(SECRET, "un tout autre secret de webhook")
    done = desk.setup("--url", "https://greffier.example/", "--apply")
    assert done.exit_code == 0, done.output
    assert "changed webhook Greffier: endpoint" in done.output
    webhook = desk.only("webhooks", "Greffier")
    assert webhook["endpoint"] == "https://greffier.example/webhooks/mairie"
    assert webhook["signature_token"] == "un tout autre secret de webhook"
    assert "autre secret" not in done.output


def test_a_secret_that_cannot_be_read_back_is_no_change_and_is_written_again(desk: Desk) -> None:
    desk.apply()
    desk.only("webhooks", "Greffier")["signature_token"] = "changé à la main"
    planned = desk.plan()
    if desk.sandbox.store.zammad.masks:
        assert "keep    webhook Greffier: its secret cannot be read back" in planned.output
        assert planned.output.endswith("all is as it should be\n")
    else:
        assert "change  webhook Greffier: signature_token\n" in planned.output
    desk.apply()
    assert desk.only("webhooks", "Greffier")["signature_token"] == SECRET


def test_zammad_refuses_a_secret_of_more_than_200_characters(desk: Desk) -> None:
    values = {"name": "à nous", "endpoint": "https://greffier.example", "signature_token": "s" * 201}
    with pytest.raises(Refused, match="too long"):
        desk.sandbox.store.objects.webhooks.create(values, desk.sandbox.admin.id)


def test_a_payload_of_the_admins_own_stays(desk: Desk) -> None:
    desk.apply()
    own = {"customized_payload": True, "custom_payload": '{"ticket": {"id": "#{ticket.id}"}}'}
    desk.only("webhooks", "Greffier").update(own)
    desk.setup("--url", "https://greffier.example", "--apply")
    assert own.items() <= desk.only("webhooks", "Greffier").items()


def test_the_payload_of_the_documentation_says_enough_for_every_event(desk: Desk) -> None:
    if not desk.sandbox.store.zammad.custom_payload:
        pytest.skip("payloads of one's own came with 6.0")
    own = re.search(r"```json\n(.*?)```", DOCUMENTATION.read_text("utf-8"), re.DOTALL)
    assert own
    desk.apply()
    desk.only("webhooks", "Greffier").update({"customized_payload": True, "custom_payload": own[1]})
    act = desk.sandbox
    ticket, _ = act.write_as_customer("Acte", "Bonjour, mon numéro secret est 4 81 23.")
    elsewhere, _ = act.write_as_customer("Acte", "Bonjour.", group="Ressources humaines")
    for happens in (
        lambda: act.reply_as_agent(ticket, "Bonjour, oui."),
        lambda: act.run_macro(ticket, MACROS[0].name),
        lambda: act.note_as_agent(ticket, "@greffier stop"),
        lambda: act.move(elsewhere, "État civil"),
    ):
        assert len(desk.told(happens)) == 1
    command = EventKind.COMMAND
    assert desk.kinds() == [EventKind.MESSAGE, EventKind.REPLY, command, command, EventKind.TICKET]
    assert not any(b"secret" in call.body for call in desk.greffier.calls)


def test_removed_nothing_of_ours_is_left_and_nothing_else_is_gone(desk: Desk) -> None:
    store = desk.sandbox.store
    store.objects.macros.create({"name": "Clore", "perform": {}}, desk.sandbox.admin.id)
    store.objects.tag_list.create({"name": "urgent"}, desk.sandbox.admin.id)
    desk.apply()
    planned = desk.setup("--remove")
    assert "remove  webhook Greffier\n" in planned.output
    assert len(desk.objects()["triggers"]) == 5
    removed = desk.setup("--remove", "--apply")
    assert removed.exit_code == 0, removed.output
    assert {kind: [row["name"] for row in rows] for kind, rows in desk.objects().items()} == {
        "webhooks": [],
        "triggers": [],
        "macros": ["Clore"],
        "tag_list": ["urgent"],
    }
    again = desk.setup("--remove", "--apply")
    assert (again.exit_code, again.output) == (0, "nothing is left to remove\n")


def test_a_trigger_of_ours_that_was_renamed_is_replaced(desk: Desk) -> None:
    desk.apply()
    desk.only("triggers", "greffier-groupe")["name"] = "mon groupe"
    planned = desk.plan()
    assert "create  trigger greffier-groupe: " in planned.output
    assert "remove  trigger mon groupe: bears our mark under another name\n" in planned.output
    assert desk.apply().output.endswith("all is as it should be\n")
    assert sorted(row["name"] for row in desk.objects()["triggers"]) == sorted(TRIGGERS)


def test_what_of_ours_was_renamed_is_removed_with_the_rest(desk: Desk) -> None:
    desk.apply()
    for kind, name in (("triggers", "greffier-groupe"), ("macros", MACROS[0].name), ("webhooks", "Greffier")):
        desk.only(kind, name)["name"] = f"à nous, {kind}"
    done = desk.setup("--remove", "--apply")
    assert done.exit_code == 0, done.output
    assert not any(desk.objects().values())


def test_objects_of_somebody_else_with_our_names_are_left_alone(desk: Desk) -> None:
    desk.apply()
    desk.only("triggers", "greffier-commande")["note"] = "fait à la main"
    desk.only("triggers", "greffier-commande")["active"] = False
    for done in (desk.apply(), desk.setup("--remove", "--apply")):
        assert done.exit_code == 1
        assert "leave   trigger greffier-commande: not ours" in done.output
    assert [row["name"] for row in desk.objects()["triggers"]] == ["greffier-commande"]
    assert desk.only("triggers", "greffier-commande")["active"] is False


def test_a_webhook_that_somebody_elses_trigger_calls_is_kept_by_zammad_and_said_so(desk: Desk) -> None:
    desk.apply()
    webhook = desk.only("webhooks", "Greffier")
    theirs = {"name": "à nous", "condition": {"ticket.state_id": {"operator": "is", "value": "1"}}}
    perform = {"notification.webhook": {"webhook_id": webhook["id"]}}
    desk.sandbox.store.objects.triggers.create(theirs | {"perform": perform}, desk.sandbox.admin.id)
    done = desk.setup("--remove", "--apply")
    assert done.exit_code == 1
    assert "removed trigger greffier-groupe\n" in done.output
    assert "failed  webhook Greffier: " in done.output
    assert "referenced by Trigger: à nous" in done.output
    assert "not yet tag greffier-projet\n" in done.output


def test_a_failure_in_the_middle_says_what_is_done_and_the_next_run_completes_it(desk: Desk) -> None:
    store = desk.sandbox.store
    blocked = {"name": MACROS[0].name.upper(), "perform": {}, "note": "Géré par « greffier setup zammad »."}
    store.objects.macros.create(blocked, desk.sandbox.admin.id)
    original, store.objects.macros.update = store.objects.macros.update, _refuse  # type: ignore[method-assign]
    failed = desk.apply()
    assert failed.exit_code == 1
    assert "created trigger greffier-groupe" in failed.output
    assert f"failed  macro {MACROS[0].name}: " in failed.output
    assert f"not yet macro {MACROS[1].name}\n" in failed.output
    assert failed.output.endswith("run it again to complete it\n")
    store.objects.macros.update = original  # type: ignore[method-assign]
    assert desk.apply().exit_code == 0
    assert desk.plan().output.endswith("all is as it should be\n")


def _refuse(*arguments: object) -> dict[str, Any]:
    raise Refused("le disque est plein")


def test_the_token_of_an_agent_is_refused_with_the_permissions_that_are_wanted(desk: Desk) -> None:
    done = desk.setup("--url", "https://greffier.example", "--apply", token=desk.sandbox.token)
    assert done.exit_code == 1
    wanted = "the token lacks admin.group, admin.webhook, admin.trigger, admin.macro, admin.tag: give it"
    assert isinstance(done.exception, GreffierError)
    assert wanted in str(done.exception)
    assert not any(desk.objects().values())


def test_where_zammad_is_polled_only_macros_and_the_tag_are_made(desk: Desk) -> None:
    desk.edit('"webhook"', '"poll"')
    done = desk.setup("--apply")
    assert done.exit_code == 0, done.output
    assert "no webhook or trigger is needed" in done.output
    assert {kind: len(rows) for kind, rows in desk.objects().items()} == {
        "webhooks": 0,
        "triggers": 0,
        "macros": 2,
        "tag_list": 1,
    }


def test_where_zammad_is_polled_what_set_up_made_is_removed_with_the_permissions_that_it_took(desk: Desk) -> None:
    desk.edit('"webhook"', '"poll"')
    permissions = ("admin.group", "admin.macro", "admin.tag")
    desk.sandbox.store.add_token("jeton-etroit", desk.sandbox.admin, permissions=permissions)
    for arguments in (["--apply"], ["--remove", "--apply"]):
        done = desk.setup(*arguments, token="jeton-etroit")
        assert done.exit_code == 0, done.output
    assert "keep    webhooks: not looked at, the token lacks admin.webhook" in done.output
    assert not any(desk.objects().values())


def test_where_zammad_is_polled_now_what_is_left_of_webhooks_is_removed_too(desk: Desk) -> None:
    desk.apply()
    desk.edit('"webhook"', '"poll"')
    done = desk.setup("--remove", "--apply")
    assert done.exit_code == 0, done.output
    assert not any(desk.objects().values())


def test_the_log_is_as_the_settings_say(desk: Desk) -> None:
    with desk.config.open("a", encoding="utf-8") as file:
        file.write('[log]\nlevel = "error"\n')
    try:
        desk.plan()
        assert logging.getLogger("greffier").level == logging.ERROR
    finally:
        logs.configure("text", "info")


def test_rights_that_the_account_has_lacks_or_should_not_have_are_told(desk: Desk) -> None:
    told = desk.plan().output
    assert "ok      helpdesks.mairie permissions: " in told
    assert "ok      helpdesks.mairie group État civil: read and change\n" in told
    store = desk.sandbox.store
    people = {group.name: id for id, group in store.groups.items()}
    store.put_user(replace(desk.sandbox.account, access={people["État civil"]: ("read",)}, roles=("Agent", "Admin")))
    done = desk.apply()
    assert done.exit_code == 1
    assert done.output.endswith("the objects are as they should be, the rights are not: see above\n")
    assert "error   helpdesks.mairie group État civil: give the account the rights read and change" in done.output
    assert "warning helpdesks.mairie permissions: too much, give it a role without: admin" in done.output


def test_rights_that_a_role_gives_are_seen_with_the_admins_token(desk: Desk) -> None:
    people = desk.sandbox.store
    groups = {group.name: id for id, group in people.groups.items()}
    access = {groups["État civil"]: ("read", "change"), groups["Ressources humaines"]: ("read",)}
    people.add_role("Greffier", ("ticket.agent",), access=access)
    people.put_user(replace(desk.sandbox.account, access={}, roles=("Greffier",)))
    done = desk.plan()
    assert done.exit_code == 0, done.output
    assert "ok      helpdesks.mairie group État civil: read and change, by the role Greffier\n" in done.output


def test_an_address_that_is_none_and_one_that_is_missing_are_named(desk: Desk) -> None:
    for arguments, words in (
        (["--url", "greffier.example"], "--url: an address that begins with https:// or http:// is wanted"),
        ([], "give --url"),
        (["--url", "https://x.example", "--helpdesk", "autre"], "no Zammad is named autre"),
    ):
        done = desk.setup(*arguments)
        assert words in str(done.exception)


def test_the_token_may_come_from_a_file_or_be_typed_and_is_shown_nowhere(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "admin"
    file.write_text(desk.sandbox.admin_token + "\n", "utf-8")
    arguments = ["--config", str(desk.config), "setup", "zammad", "--url", desk.greffier.url]
    from_file = CliRunner().invoke(cli, [*arguments, "--admin-token-file", str(file)])
    typed = CliRunner().invoke(cli, arguments, input=desk.sandbox.admin_token + "\n")
    for done in (from_file, typed):
        assert done.exit_code == 0, done.output
        assert desk.sandbox.admin_token not in done.output


def test_a_refused_token_ends_it_in_one_sentence_without_a_trace(desk: Desk) -> None:
    command = [sys.executable, "-m", "webhooks", "--config", str(desk.config), "setup", "zammad"]
    done = subprocess.run(
        [*command, "--url", "https://greffier.example"],
        env={**os.environ, "ZAMMAD_ADMIN_TOKEN": "jeton-perime"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr == (
        "greffier: helpdesks.mairie, as admin: Zammad refuses this token: make another one (profile, Token Access)\n"
    )


def test_without_a_terminal_it_says_how_else_to_give_a_token(desk: Desk) -> None:
    command = [sys.executable, "-m", "webhooks", "--config", str(desk.config), "setup", "zammad"]
    done = subprocess.run(
        [*command, "--url", "https://greffier.example"],
        env={name: text for name, text in os.environ.items() if name != "ZAMMAD_ADMIN_TOKEN"},
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # without it the question would find the terminal of whoever runs the tests
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr == (
        "greffier: no terminal to ask for an admin's token: give --admin-token-file or ZAMMAD_ADMIN_TOKEN\n"
    )


def test_the_whole_address_of_the_webhook_may_be_given_as_well(desk: Desk) -> None:
    planned = desk.setup("--url", "https://greffier.example/webhooks/mairie/")
    assert "webhook Greffier: to https://greffier.example/webhooks/mairie\n" in planned.output


def test_without_a_token_it_says_how_to_give_one(desk: Desk) -> None:
    done = desk.setup("--url", "https://greffier.example", token="")
    assert "give --admin-token-file or ZAMMAD_ADMIN_TOKEN" in str(done.exception)
