"""The command `greffier setup`: shows what is to be done in a helpdesk, and does it with `--apply`."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from getpass import GetPassWarning
from pathlib import Path
from typing import TYPE_CHECKING

import click

from connector.errors import ConfigurationError, GreffierError
from connector.helpdesk import Action, Change, SetsUp, Setup
from connector.ticket import Level
from webhooks.given import settings_of

if TYPE_CHECKING:
    from webhooks.settings import Settings

_DONE = {Action.CREATE: "created", Action.CHANGE: "changed", Action.REMOVE: "removed"}


@click.group()
def setup() -> None:
    """Set a helpdesk up for Greffier, over its API."""


@setup.command()
@click.option("--helpdesk", "name", help="Its name in the settings; may be left out if there is one Zammad.")
@click.option("--url", help="The base address at which Zammad reaches Greffier, for instance https://greffier.example.")
@click.option(
    "--admin-token-file",
    "token_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with an admin's token; otherwise ZAMMAD_ADMIN_TOKEN of the environment, or a question.",
)
@click.option("--apply", is_flag=True, help="Do it; otherwise the plan is shown and nothing is changed.")
@click.option("--remove", is_flag=True, help="Take away what set-up made.")
@click.pass_context
def zammad(
    context: click.Context, name: str | None, url: str | None, token_file: Path | None, apply: bool, remove: bool
) -> None:
    """Create or correct the webhook, the triggers, the macros and the tag in Zammad.

    Needs the token of an admin, used for this once and kept nowhere, with the permissions admin.group,
    admin.webhook, admin.trigger, admin.macro and admin.tag, and admin.role to see all rights of Greffier's account.
    Where `intake` is "poll", admin.webhook and admin.trigger are not needed.
    May be run again at any time: what is as it should be is kept, what is not ours is left alone.
    """
    from webhooks import wiring

    given = settings_of(context, database=False)
    name = name or _only(given, "zammad")
    if name not in given.helpdesks or given.helpdesks[name].kind != "zammad":
        raise ConfigurationError(f"--helpdesk: no Zammad is named {name} in the settings")
    path = f"/webhooks/{name}"
    endpoint = f"{_base(url).removesuffix(path)}{path}" if url else None  # the whole address may be given as well
    helpdesk = wiring.helpdesk(name, given.helpdesks[name])
    if not isinstance(helpdesk, SetsUp):
        raise ConfigurationError(f"{name} cannot be set up over its API")
    work = helpdesk.set_up(_admin_token(token_file), endpoint)
    if given.helpdesks[name].intake == "poll":
        click.echo(f'helpdesks.{name}.intake is "poll": Greffier asks for messages, no webhook or trigger is needed')
    sys.exit(0 if _run(work, apply=apply, remove=remove) else 1)


def _run(work: Setup, *, apply: bool, remove: bool) -> bool:
    """Show the plan or do it; whether all is as it should be, or will be."""
    changes = work.removal() if remove else work.plan()
    sound = remove or _tell_rights(work)
    done = _apply(changes) if apply else _show(changes)
    left = [change for change in changes if change.action is Action.LEAVE]
    if left:
        click.echo(f"{len(left)} left alone: see above")
    elif done and (apply or not any(change.action in _DONE for change in changes)):
        objects = "nothing is left to remove" if remove else "all is as it should be"
        click.echo(objects if sound else "the objects are as they should be, the rights are not: see above")
    return done and sound and not left


def _tell_rights(work: Setup) -> bool:
    sound = True
    for finding in work.findings():
        sound = sound and finding.level is not Level.ERROR
        click.echo(f"{finding.level:<8}{finding.subject}: {finding.message}")
    return sound


def _show(changes: Sequence[Change]) -> bool:
    for change in changes:
        click.echo(_line(change.action, change))
    if any(change.action in _DONE for change in changes):
        click.echo("nothing was changed: add --apply to do it")
    return True


def _apply(changes: Sequence[Change]) -> bool:
    """Do one after the other. A failure ends it: what comes after may need what failed."""
    for place, change in enumerate(changes):
        try:
            if change.apply is not None:
                change.apply()
        except GreffierError as error:
            click.echo(f"failed  {change.subject}: {error}")
            for later in changes[place + 1 :]:
                if later.action in _DONE:
                    click.echo(f"not yet {later.subject}")
            click.echo("run it again to complete it")
            return False
        click.echo(_line(_DONE.get(change.action, str(change.action)), change))
    return True


def _line(word: str, change: Change) -> str:
    return f"{word:<8}{change.subject}" + (f": {change.detail}" if change.detail else "")


def _only(settings: Settings, kind: str) -> str:
    names = [name for name, given in settings.helpdesks.items() if given.kind == kind]
    if len(names) != 1:
        known = f"one of {', '.join(names)}" if names else f"none has the kind {kind} in the settings"
        raise ConfigurationError(f"--helpdesk: name the helpdesk: {known}")
    return names[0]


def _base(url: str) -> str:
    from pydantic import TypeAdapter, ValidationError

    from connector.settings import Url

    try:
        return TypeAdapter(Url).validate_python(url)
    except ValidationError as error:
        raise ConfigurationError(f"--url: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None


def _admin_token(file: Path | None) -> str:
    from webhooks import settings

    names = f"--admin-token-file or {settings.ADMIN_TOKEN_VARIABLE}"
    try:
        token = file.read_text("utf-8").strip() if file else settings.admin_token()
        with warnings.catch_warnings(action="error", category=GetPassWarning):  # it would be shown as it is typed
            token = token or click.prompt("Token of an admin of Zammad", hide_input=True, err=True).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"--admin-token-file: cannot read {file}: {error}") from None
    except GetPassWarning:
        raise ConfigurationError(f"no terminal to ask for an admin's token: give {names}") from None
    except click.Abort:
        raise ConfigurationError(f"an admin's token is needed: give {names}, or type it when asked") from None
    if not token or not all("!" <= character <= "~" for character in token):
        raise ConfigurationError("the admin's token: a token is made of letters, digits and signs, without spaces")
    return token
