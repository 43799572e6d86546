"""Set-up of a Zammad over its API: webhook, triggers, macros and tag, made, corrected and taken away again.

An object is ours if it bears our mark in its `note`, whatever its name; what has our name and no mark is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from connector.errors import ConfigurationError, RemoteError
from connector.helpdesk import Action, Change
from connector.rest import Rest
from connector.ticket import Finding, Level, Mode
from connector.zammad import rights, setup_objects
from connector.zammad.answers import Account, read
from connector.zammad.settings import ZammadSettings
from connector.zammad.setup_inventory import PERMISSIONS, Row, has_our_name, inventory, is_ours, named, objects
from connector.zammad.setup_objects import MASKED, TAG, WEBHOOK, Item


class ZammadSetup:
    """See `connector.helpdesk.Setup`. `admin` and `agent` are Zammad with the admin's token and with Greffier's."""

    def __init__(self, admin: Rest, agent: Rest, settings: ZammadSettings, endpoint: str | None) -> None:
        self._admin = admin
        self._agent = agent
        self._settings = settings
        self._endpoint = endpoint
        self._name = agent.name

    def findings(self) -> Iterator[Finding]:
        """The run-time account's rights, read with both tokens, and what else would go wrong unseen."""
        account = self._account()
        yield Finding(Level.OK, f"{self._name} account", f"{account.login}, number {account.id}")
        yield from self._rights(account)
        yield from self._hidden_drafts()
        address = urlsplit(self._endpoint or "")
        if address.scheme == "http" and address.hostname not in ("localhost", "127.0.0.1", "::1"):
            yield Finding(Level.WARNING, "url", "citizens' messages travel unencrypted to Greffier: use https")

    def _rights(self, account: Account) -> Iterator[Finding]:
        given = None
        try:
            given = rights.roles(self._admin, account)
            if given is None:
                text = "its roles could not be read: they take admin.role of the admin's token"
                yield Finding(Level.WARNING, f"{self._name} permissions", text)
        except RemoteError as error:
            yield rights.unread(self._name, error)
        yield from rights.findings(self._name, self._settings, account, given)

    def plan(self) -> list[Change]:
        """See `connector.helpdesk.Setup`. Where `intake` is `poll` there is neither webhook nor trigger."""
        polls = self._settings.intake == "poll"
        seen = inventory(self._admin, self._agent, ("groups", "macros", "tag_list") if polls else PERMISSIONS)
        groups = self._covered(seen["groups"])
        changes = [] if polls else self._calls(seen, groups)
        changes += [self._change(item, seen) for item in setup_objects.macros(groups)]
        changes += self._renamed("macros", seen)
        return [*changes, self._tag(seen["tag_list"])]

    def removal(self) -> list[Change]:
        """See `connector.helpdesk.Setup`. Where `intake` is `poll` webhook and triggers are looked for if we may.

        They may be left from a time with webhooks; who never had any need not have the permissions for them.
        """
        always, calls = ("macros", "tag_list"), ("triggers", "webhooks")
        if self._settings.intake == "poll":
            seen = inventory(self._admin, self._agent, always, if_allowed=calls)
        else:
            seen = inventory(self._admin, self._agent, (*always, *calls))
        changes = [
            self._removal_of(kind, row)
            for kind in setup_objects.NAMES
            for row in seen.get(kind, ())
            if is_ours(row) or has_our_name(kind, row)
        ]
        return [*changes, *self._removal_of_tag(seen["tag_list"]), *_not_looked_at(seen)]

    def _account(self) -> Account:
        answer = self._agent.get("users/me", expand="true").json
        return read(Account, answer, source=f"{self._name}: users/me")

    def _covered(self, groups: list[Row]) -> list[int]:
        """The ids of the groups that are drafted for. Raises ConfigurationError if there is none, or one is unknown."""
        ids = {row["name"]: row["id"] for row in groups}
        wanted = [group for group, mode in self._settings.groups.items() if mode is Mode.DRAFT]
        unknown = [group for group in wanted if group not in ids]
        if unknown:
            text = f"Zammad has no group {', '.join(unknown)}; it has: {', '.join(sorted(ids)) or 'none'}"
            raise ConfigurationError(f"{self._name}.groups: {text}")
        if not wanted:
            raise ConfigurationError(f'{self._name}.groups: no group is covered: give at least one the mode "draft"')
        return [ids[group] for group in wanted]

    def _hidden_drafts(self) -> Iterator[Finding]:
        for row in objects(self._admin, "groups") if self._settings.offer_draft else ():
            if self._settings.mode(row["name"]) is Mode.DRAFT and row.get("shared_drafts") is False:
                text = "offer_draft is set, but the group shows no shared drafts: allow them in its settings in Zammad"
                yield Finding(Level.WARNING, f"{self._name} group {row['name']} drafts", text)

    def _calls(self, seen: Mapping[str, list[Row]], groups: list[int]) -> list[Change]:
        """The webhook and its triggers, which cannot be made while a webhook that is not ours has its name."""
        secret = self._settings.webhook_secret
        if self._endpoint is None or secret is None:
            raise ConfigurationError("the address at which Zammad reaches Greffier is missing: give --url")
        item = setup_objects.webhook(self._endpoint, secret.get_secret_value())
        row = named(seen["webhooks"], item.name)
        webhook = self._change(item, seen)
        triggers = setup_objects.triggers(row["id"] if row else 0, groups, self._account().id)
        if webhook.action is Action.LEAVE:
            text = "it needs a webhook of ours"
            return [webhook, *(Change(Action.LEAVE, trigger.subject, text) for trigger in triggers)]
        return [webhook, *(self._change(trigger, seen) for trigger in triggers), *self._renamed("triggers", seen)]

    def _change(self, item: Item, seen: Mapping[str, list[Row]]) -> Change:
        row = named(seen[item.kind], item.name)
        if row is None:
            return Change(Action.CREATE, item.subject, item.what, partial(self._write, item, None))
        if not is_ours(row):
            return _foreign(item.subject)
        write = partial(self._write, item, row["id"])
        differences = item.differences(row)
        if differences:
            return Change(Action.CHANGE, item.subject, ", ".join(differences), write)
        if MASKED in row.values():
            return Change(
                Action.KEEP, item.subject, "its secret cannot be read back: --apply writes it each time", write
            )
        return Change(Action.KEEP, item.subject)

    def _write(self, item: Item, id: int | None) -> None:
        """Create or correct it, in the first of its forms that this Zammad does not refuse."""
        *newer, oldest = item.bodies
        for body in newer:
            try:
                return self._send(item, body, id)
            except RemoteError as error:
                if error.status != HTTPStatus.UNPROCESSABLE_ENTITY:
                    raise
        return self._send(item, oldest, id)

    def _send(self, item: Item, body: Mapping[str, Any], id: int | None) -> None:
        if item.kind == "triggers":  # the plan was made before their webhook may have been
            body = {**body, "perform": setup_objects.call(self._webhook_id())}
        if id is None:
            self._admin.post(item.kind, body)
        else:
            self._admin.put(f"{item.kind}/{id}", body)

    def _webhook_id(self) -> int:
        row = named(objects(self._admin, "webhooks"), WEBHOOK)
        if row is None:
            raise RemoteError(f"{self._admin.name}: there is no webhook {WEBHOOK} to call", permanent=True)
        return int(row["id"])

    def _tag(self, tags: list[Row]) -> Change:
        if named(tags, TAG):
            return Change(Action.KEEP, f"tag {TAG}")

        def create() -> None:
            self._admin.post("tag_list", {"name": TAG})

        return Change(Action.CREATE, f"tag {TAG}", "for agents and overviews; Greffier sets it nowhere", create)

    def _renamed(self, kind: str, seen: Mapping[str, list[Row]]) -> Iterator[Change]:
        """What bears our mark and none of our names would do its work twice; it goes after its successor is there."""
        for row in seen[kind]:
            if is_ours(row) and not has_our_name(kind, row):
                yield self._removal_of(kind, row, "bears our mark under another name")

    def _removal_of(self, kind: str, row: Row, why: str = "") -> Change:
        subject = setup_objects.subject(kind, row["name"])
        if not is_ours(row):
            return _foreign(subject)
        return Change(Action.REMOVE, subject, why, partial(self._delete, f"{kind}/{row['id']}"))

    def _removal_of_tag(self, tags: list[Row]) -> list[Change]:
        """A tag bears no mark: it goes if no ticket carries it."""
        row = named(tags, TAG)
        if row is None:
            return []
        if row.get("count"):
            return [Change(Action.KEEP, f"tag {TAG}", f"{row['count']} tickets carry it")]
        return [Change(Action.REMOVE, f"tag {TAG}", apply=partial(self._delete, f"tag_list/{row['id']}"))]

    def _delete(self, path: str) -> None:
        self._admin.delete(path)


def _not_looked_at(seen: Mapping[str, list[Row]]) -> Iterator[Change]:
    """Kinds of ours that the token may not see; they are there only if there were webhooks once."""
    for kind in setup_objects.NAMES:
        if kind not in seen:
            text = (
                f"not looked at, the token lacks {PERMISSIONS[kind]}: there are some only if intake was “webhook” once"
            )
            yield Change(Action.KEEP, kind, text)


def _foreign(subject: str) -> Change:
    text = f"not ours, its note lacks “{setup_objects.MARK}”: rename it or remove it in Zammad"
    return Change(Action.LEAVE, subject, text)
