"""The commands `greffier config ...`. None of them needs a database or any other neighbour."""

from __future__ import annotations

import click


@click.group()
def config() -> None:
    """Write a file of settings to start from, show its schema, or show the settings in force."""


@config.command()
@click.pass_context
def init(context: click.Context) -> None:
    """Write a commented greffier.toml to start from, here or where --config says; one that is there is kept."""
    from webhooks import settings
    from webhooks.config import template

    file = settings.config_path(context.obj)
    template.write(file)
    click.echo(f"{file} is written: fill in what says FILL IN, then run `greffier check`")


@config.command()
def schema() -> None:
    """Print the JSON Schema of greffier.toml, for an editor."""
    import json

    from webhooks.config import schema

    click.echo(json.dumps(schema.schema(), indent=2, ensure_ascii=False))


@config.command()
@click.pass_context
def show(context: click.Context) -> None:
    """Print each setting in force and what gave it; of a secret only whether it is set or missing."""
    from webhooks import settings
    from webhooks.config.values import values

    given, sources = settings.load_with_sources(context.obj)
    rows = [(".".join(where), value, sources.origin(where)) for where, value in values(given)]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for name, value, origin in rows:
        click.echo(f"{name:<{widths[0]}}  {value:<{min(widths[1], 40)}}  {origin}")
