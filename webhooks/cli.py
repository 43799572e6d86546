"""The command `greffier`. Each command imports what it needs, so that `greffier --help` answers at once."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from connector.errors import ConfigurationError, GreffierError
from webhooks import logs
from webhooks.config.command import config
from webhooks.evaluate import evaluate
from webhooks.given import settings_of
from webhooks.index.command import index
from webhooks.setup import setup


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--config", "path", type=click.Path(path_type=Path), help="The settings, by default ./greffier.toml.")
@click.version_option(package_name="greffier", prog_name="greffier")
@click.pass_context
def cli(context: click.Context, path: Path | None) -> None:
    """Drafts answers for the agents of a helpdesk, as internal notes marked AI-generated."""
    context.obj = path


cli.add_command(setup)
cli.add_command(config)
cli.add_command(index)
cli.add_command(evaluate)


def main() -> None:
    """Run the command line. What an admin can mend is said in one sentence, without a stack trace."""
    logs.start()
    try:
        cli()
    except GreffierError as error:
        print(f"greffier: {error}".replace("\n", "\ngreffier: "), file=sys.stderr)  # noqa: T201
        sys.exit(2 if isinstance(error, ConfigurationError) else 1)
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in ("psycopg", "psycopg_pool"):
            raise
        print(f"greffier: database_url: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(1)


@cli.command()
@click.pass_context
def migrate(context: click.Context) -> None:
    """Bring the database's schema up to date."""
    from webhooks import schema

    applied = schema.migrate(settings_of(context).database_url.get_secret_value())
    click.echo("\n".join(f"applied {name}" for name in applied) or "the schema is up to date")


@cli.command()
@click.pass_context
def web(context: click.Context) -> None:
    """Take webhooks in."""
    from webhooks import wiring
    from webhooks.ledger import Ledger
    from webhooks.multiprocess import together
    from webhooks.server import Server, require_free

    settings = settings_of(context)
    require_free(settings.web)
    with wiring.database(settings, connections=1) as pool:
        for name in settings.helpdesks:
            Ledger(pool).first_start(name)
    with together() as shared:
        Server(lambda: wiring.web(settings, shared), settings.web, shared).run()


@cli.command()
@click.pass_context
def worker(context: click.Context) -> None:
    """Draft, and post the notes."""
    from prometheus_client import CollectorRegistry

    from webhooks import jobs, memory, metrics, wiring

    memory.give_back()
    settings = settings_of(context)
    registry, at = CollectorRegistry(), settings.worker
    drafting = metrics.Drafting(registry)
    # one for the lock of each draft in progress, and some for all the work, searches beside each other included: nobody
    # holds one while the model writes
    with wiring.database(settings, connections=at.in_progress + 17) as pool:
        work = wiring.work(settings, pool, drafting, context.obj)
        if at.metrics_port:
            registry.register(wiring.figures(settings))
            metrics.serve(registry, at.metrics_host, at.metrics_port)
        memory.settle()
        jobs.run(
            settings.database_url.get_secret_value(),
            work,
            concurrency=at.in_progress,
            stalled_after=at.stalled_after,
        )


@cli.command()
@click.pass_context
def run(context: click.Context) -> None:
    """Run all of Greffier on this machine: database, web and worker, started again if they end.

    The database is its own, in the folder that `data` names, unless `database_url` is set. Migrations are applied.
    """
    from webhooks.running import command

    sys.exit(command.run(settings_of(context, database=False), context.obj))


@cli.command()
@click.argument("helpdesk")
@click.argument("ticket")
@click.pass_context
def draft(context: click.Context, helpdesk: str, ticket: str) -> None:
    """Print the draft for a TICKET of a HELPDESK. Nothing is posted, nothing is kept."""
    from webhooks import wiring
    from webhooks.preview import preview

    settings = settings_of(context)
    if helpdesk not in settings.helpdesks:
        raise ConfigurationError(f"no helpdesk named {helpdesk}; configured: {', '.join(settings.helpdesks) or 'none'}")
    with wiring.database(settings, connections=8) as pool:
        click.echo(preview(settings, pool, helpdesk, ticket))


@cli.command()
@click.pass_context
def check(context: click.Context) -> None:
    """Look at each setting, then at each neighbour; exit 1 if one of them fails."""
    from connector.ticket import Level
    from webhooks.check import findings

    failed = False
    for finding in findings(settings_of(context)):
        failed = failed or finding.level is Level.ERROR
        click.echo(f"{finding.level:<8}{finding.subject}: {finding.message}")
    if failed:
        sys.exit(1)


@cli.command()
@click.pass_context
def status(context: click.Context) -> None:
    """Show the inbox: how many messages in each state, the oldest open one, the dead ones with their reason."""
    from webhooks import wiring
    from webhooks.status import lines

    with wiring.database(settings_of(context), connections=1) as pool:
        for line in lines(pool):
            click.echo(line)


@cli.command()
@click.pass_context
def pause(context: click.Context) -> None:
    """Stop drafting. Messages are still taken in, and drafted after `greffier resume`."""
    from webhooks import wiring
    from webhooks.ledger import Ledger

    with wiring.database(settings_of(context), connections=1) as pool:
        Ledger(pool).pause("by `greffier pause`")
    click.echo("paused: messages are taken in, none is drafted")


@cli.command()
@click.pass_context
def resume(context: click.Context) -> None:
    """Draft again, the waiting messages included."""
    from webhooks import wiring
    from webhooks.ledger import Ledger

    with wiring.database(settings_of(context), connections=1) as pool:
        Ledger(pool).resume()
    click.echo("resumed")


@cli.command()
@click.argument("key", required=False)
@click.option("--dead", is_flag=True, help="All that ended as dead.")
@click.pass_context
def replay(context: click.Context, key: str | None, dead: bool) -> None:
    """Try an event again that is dead or was skipped: by its KEY, as `greffier status` shows it, or all the dead."""
    from webhooks import wiring
    from webhooks.ledger import Ledger

    if (key is None) is not dead:
        raise click.UsageError("give a KEY, or --dead")
    with wiring.database(settings_of(context), connections=1) as pool:
        ledger = Ledger(pool)
        revived = ledger.revive(key)
        if key and not revived:
            entry = ledger.entry(key)
            raise GreffierError(
                f"{key}: it is {entry.state}, and only what is dead or skipped is tried again"
                if entry
                else f"{key}: no such event; `greffier status` shows the dead ones"
            )
    click.echo("\n".join(f"taken up again: {one}" for one in revived) or "none is dead")


@cli.command()
@click.option(
    "--data", type=click.Path(path_type=Path), default=Path(".greffier"), show_default=True, help="Its folder."
)
@click.option("--once", is_flag=True, help="End when each message is settled: 0 if each has one note or a reason.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("--store", type=click.Choice(["postgres", "weaviate"]), default="postgres", help="Where the index is.")
@click.option("--model", type=click.Path(path_type=Path), help="Another model: any GGUF file.")
@click.option("--base-url", help="A model server already there, OpenAI-compatible, up to and with /v1.")
@click.option("--chat-model", help="The model's name on that server; by default its first.")
@click.option("--threads", type=click.IntRange(min=1), help="Processor threads for the model; by default all.")
def demo(
    data: Path,
    once: bool,
    as_json: bool,
    store: str,
    model: Path | None,
    base_url: str | None,
    chat_model: str | None,
    threads: int | None,
) -> None:
    """Run the main job on this machine: a sandbox helpdesk, six messages, a small real model."""
    try:
        from webhooks.demo import command
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"{error.name} is missing: install Greffier with its `demo` extra") from None
    options = command.Options(data, once, as_json, model, base_url, chat_model, threads, store)
    sys.exit(command.run(options))
