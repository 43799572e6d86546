from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system import System, unforeseen
from webhooks.cli import cli

README = Path(__file__).parents[2] / "README.md"
QUESTION = "Mon propriétaire ne m'a pas rendu le dépôt de garantie. Quel est le délai ?"


def greffier_command(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "webhooks", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


def test_help_imports_nothing_that_is_slow() -> None:
    program = (
        "import sys; from click.testing import CliRunner; from webhooks.cli import cli; "
        "assert CliRunner().invoke(cli, ['--help']).exit_code == 0; "
        "print({name.split('.')[0] for name in sys.modules}"
        " & {'flask', 'langchain_core', 'psycopg', 'pydantic', 'procrastinate', 'requests', 'rich'})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_every_command_is_in_the_readme_and_every_command_of_the_readme_exists() -> None:
    told = set(re.findall(r"`greffier ([a-z]+)", README.read_text("utf-8")))
    assert told == set(cli.commands)


def test_without_settings_it_says_which_are_missing_and_shows_no_trace(tmp_path: Path) -> None:
    done = greffier_command("status", folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "greffier: there is no greffier.toml: make one with `greffier config init`, or name yours: --config",
        "greffier: greffier.toml: database_url: is missing; or give data instead",
        "greffier: greffier.toml: chat: is missing",
    ]


@pytest.mark.server
def test_a_database_that_is_away_is_named_without_a_trace_and_without_its_password(greffier: System) -> None:
    broken = greffier.config.read_text("utf-8").replace(greffier.database, "postgresql://u:hunter2@127.0.0.1:1/none")
    greffier.config.write_text(broken, "utf-8")
    done = greffier_command("--config", str(greffier.config), "status", folder=greffier.config.parent)
    assert done.returncode == 1
    assert done.stderr.startswith("greffier: database_url: connection failed")
    assert unforeseen(done.stderr) == []
    assert "hunter2" not in done.stderr


@pytest.mark.server
@pytest.mark.parametrize("command", ["web", "worker"])
def test_a_program_refuses_to_start_on_an_old_schema(greffier: System, database_url: str, command: str) -> None:
    greffier.config.write_text(greffier.config.read_text("utf-8").replace(greffier.database, database_url), "utf-8")
    done = greffier_command("--config", str(greffier.config), command, folder=greffier.config.parent)
    assert done.returncode == 1
    assert "run `greffier migrate`" in done.stderr


@pytest.mark.server
def test_migrate_tells_what_it_did(greffier: System) -> None:
    assert greffier.run("migrate").output == "the schema is up to date\n"


@pytest.mark.server
def test_draft_prints_and_posts_nothing(greffier: System) -> None:
    ticket, _ = greffier.sandbox.write_as_customer("Dépôt de garantie", QUESTION)
    printed = greffier.run("draft", "sandbox", str(ticket))
    assert printed.exit_code == 0, printed.output
    assert "AI-generated" in printed.output
    assert "https://" in printed.output
    assert greffier.sandbox.notes(ticket) == []
    assert greffier.states() == []


@pytest.mark.server
def test_check_finds_everything_in_order(greffier: System) -> None:
    done = greffier.run("check")
    assert done.exit_code == 0, done.output
    subjects = [line[8:].split(":")[0] for line in done.output.splitlines()]
    assert {"chat.model", "database", "database clock", "chat", "embeddings", "index"} <= set(subjects)
    assert "a webhook's secret" not in done.output


@pytest.mark.server
def test_check_fails_for_each_neighbour_that_is_away_and_still_looks_at_the_rest(greffier: System) -> None:
    greffier.models.stop()
    greffier.sandbox.faults.tokens = "revoked"
    done = greffier.run("check")
    failed = [line.split()[1] for line in done.output.splitlines() if line.startswith("error")]
    assert done.exit_code == 1
    assert failed == ["helpdesks.sandbox.token:", "chat:", "embeddings:", "index:"]


@pytest.mark.server
def test_status_shows_states_reasons_sweeps_the_oldest_and_the_dead(greffier: System) -> None:
    with greffier.connection() as connection:
        for number, state in enumerate(("accepted", "dead")):
            connection.execute(
                "INSERT INTO inbox (key, helpdesk, ticket, message, kind, state, reason)"
                " VALUES (%s, 'sandbox', '7', %s, 'message', %s, 'it broke')",
                [f"sandbox:{number}:message", str(number), state],
            )
        connection.execute("INSERT INTO sweep VALUES ('sandbox', now(), now() - interval '90 s', 'no connection')")
        connection.execute(
            "INSERT INTO inbox (key, helpdesk, ticket, message, kind, state, reason)"
            " SELECT 'sandbox:s' || n || ':message', 'sandbox', '8', n::text, 'message', 'skipped',"
            " CASE WHEN n < 3 THEN 'answered' ELSE 'empty' END FROM generate_series(1, 3) AS n"
        )
        connection.execute(
            "UPDATE inbox SET source = 'sweep', accepted_at = now() - interval '3 minutes' WHERE reason = 'answered'"
        )
    printed = greffier.run("status").output
    assert "accepted  1" in printed
    assert "no draft  in the last 24 hours: answered 2, other 1, empty 1\n" in printed
    assert "sweep     sandbox: 0:01:30 ago, 2 events found that no webhook had told; then: no connection" in printed
    assert "oldest    sandbox:0:message, ticket 7" in printed
    assert "dead      sandbox:1:message, ticket 7: it broke" in printed


@pytest.mark.server
def test_replay_takes_up_the_dead_and_says_what_it_does_not(greffier: System) -> None:
    with greffier.connection() as connection:
        for number, state in enumerate(("posted", "dead", "skipped")):
            connection.execute(
                "INSERT INTO inbox (key, helpdesk, ticket, message, kind, state, reason)"
                " VALUES (%s, 'sandbox', '7', %s, 'message', %s, 'it broke')",
                [f"sandbox:{number}:message", str(number), state],
            )
    assert greffier.run("replay", "--dead").output == "taken up again: sandbox:1:message\n"
    assert greffier.run("replay", "--dead").output == "none is dead\n"
    assert greffier.run("replay", "sandbox:2:message").output == "taken up again: sandbox:2:message\n"
    posted, unknown = greffier.run("replay", "sandbox:0:message"), greffier.run("replay", "sandbox:9:message")
    assert "it is posted" in str(posted.exception)
    assert "no such event" in str(unknown.exception)
    assert greffier.run("replay").exit_code == 2
    assert greffier.states().count("accepted") == 2
