"""What a command of the command line begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webhooks import logs

if TYPE_CHECKING:
    import click

    from webhooks.settings import Settings


def settings_of(context: click.Context, *, database: bool = True) -> Settings:
    """The settings that the command was given; from then on the log is as they say.

    With the database of `greffier run` at hand until the command ends, if it is that one and `database` is set.
    Raises ConfigurationError.
    """
    from webhooks import settings

    given = settings.load(context.obj)
    logs.configure(given.log.format, given.log.level)
    if database and given.data is not None:
        from webhooks.running import postgres

        context.with_resource(postgres.at_hand(given.data))
    return given
