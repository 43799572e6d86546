"""`greffier index` as an admin has it: real PostgreSQL, the sandbox helpdesk, the scripted model server."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from connector.errors import ConfigurationError
from tests.conftest import created_database
from tests.system import System, system, unforeseen, wait_until
from webhooks import schema, searching, settings, wiring
from webhooks.demo.weaviate_server import WeaviateServer
from webhooks.index.state import States

LOCKS = (
    "SELECT pid FROM pg_locks JOIN pg_database ON oid = database"
    " WHERE locktype = 'advisory' AND datname = current_database()"
)
pytestmark = pytest.mark.server


@pytest.fixture
def greffier(tmp_path: Path, postgres_server: str) -> Iterator[System]:
    """Greffier with an empty database, and one source: a folder with notes."""
    with created_database(postgres_server) as url:
        schema.migrate(url)
        with system(tmp_path, url) as running:
            before, _, after = running.config.read_text("utf-8").partition("[sources.service-public]")
            running.config.write_text(before + "[retrieval]" + after.partition("[retrieval]")[2], "utf-8")
            add_source(running, "notes", 'kind = "files"', f'path = "{tmp_path / "notes"}"')
            (tmp_path / "notes").mkdir()
            write(running, "permis", "Le permis de conduire se demande en ligne.")
            write(running, "carte", "La carte d'identité se demande en mairie.")
            yield running


def add_source(greffier: System, name: str, *lines: str) -> None:
    with greffier.config.open("a", encoding="utf-8") as file:
        file.write("\n".join(["", f"[sources.{name}]", *lines, ""]))


def write(greffier: System, name: str, text: str, folder: str = "notes") -> Path:
    path = greffier.config.parent / folder / f"{name}.txt"
    path.write_text(text, "utf-8")
    return path


def passages(greffier: System) -> dict[str, int]:
    """How many passages the index has, and how many have their vectors."""
    given = settings.load(greffier.config, {})
    with (
        wiring.database(given, connections=1) as pool,
        closing(searching.store(given, pool, searching.embeddings(given))) as store,
    ):
        found = store.statistics()
    return {"passages": found.passages, "vectors": found.vectors}


def indexes(greffier: System) -> list[str]:
    """The schemas of the indexes in PostgreSQL."""
    rows = greffier.rows(r"SELECT nspname FROM pg_namespace WHERE nspname LIKE 'greffier\_index\_%' ORDER BY 1")
    return [name for (name,) in rows]


def started(greffier: System, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "webhooks", "--config", str(greffier.config), "index", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_summary_says_what_became_of_each_document(greffier: System) -> None:
    first = greffier.run("index")
    assert first.exit_code == 0, first.output
    assert "notes: 2 added, 0 changed, 0 unchanged, 0 removed, 0 skipped; 2 passages embedded; " in first.output
    write(greffier, "permis", "Le permis de conduire se demande en préfecture.")
    write(greffier, "congé", "Le congé parental dure un an.")
    write(greffier, "carte", "").unlink()
    asked = len(greffier.models.requests)
    assert "notes: 1 added, 1 changed, 0 unchanged, 1 removed" in greffier.run("index").output
    again = greffier.run("index", "notes")
    assert "notes: 0 added, 0 changed, 2 unchanged, 0 removed, 0 skipped; 0 passages embedded" in again.output
    texts = [text for call in greffier.models.requests[asked:] for text in call.body.get("input", [])]
    assert len([text for text in texts if "permis" in text]) == 1  # nothing is embedded twice
    assert passages(greffier) == {"passages": 2, "vectors": 2}


def test_what_cannot_be_read_is_named_and_nothing_is_removed(greffier: System) -> None:
    assert greffier.run("index").exit_code == 0
    write(greffier, "carte", "").unlink()
    for number in range(12):
        (greffier.config.parent / "notes" / f"scan{number:02}.pdf").write_bytes(b"no PDF")
    done = greffier.run("index")
    assert done.exit_code == 0
    assert "0 added, 0 changed, 1 unchanged, 0 removed, 12 skipped" in done.output
    assert "    scan00.pdf: " in done.output
    assert "    and 2 more" in done.output
    assert "nothing was removed, in case they can be read tomorrow" in done.output
    assert passages(greffier)["passages"] == 2


def test_what_is_never_read_is_told_and_keeps_nothing_from_being_removed(greffier: System) -> None:
    assert greffier.run("index").exit_code == 0
    write(greffier, "carte", "").unlink()
    write(greffier, "vide", " ")
    (greffier.config.parent / "notes" / "prix.xlsx").write_bytes(b"PK")
    done = greffier.run("index")
    assert "0 added, 0 changed, 1 unchanged, 1 removed, 2 skipped" in done.output
    assert "  skipped or cut, now and in every run:\n    prix.xlsx: save it as CSV\n    vide.txt: " in done.output
    assert passages(greffier)["passages"] == 1


def test_what_could_not_be_read_a_day_ago_either_keeps_nothing_from_being_removed(greffier: System) -> None:
    broken = greffier.config.parent / "notes" / "scan.pdf"
    broken.write_bytes(b"no PDF")
    assert greffier.run("index").exit_code == 0
    write(greffier, "carte", "").unlink()
    assert "0 removed, 1 skipped" in greffier.run("index").output
    greffier.execute("UPDATE source SET skipped_since = now() - interval '1 day'")
    assert "1 removed, 1 skipped" in greffier.run("index").output
    write(greffier, "permis", "").unlink()
    broken.with_name("other.pdf").write_bytes(b"no PDF")
    write(greffier, "congé", "Le congé parental dure un an.")
    assert "0 removed, 2 skipped" in greffier.run("index").output
    broken.with_name("other.pdf").unlink()
    assert "0 removed, 1 skipped" in greffier.run("index").output  # new since the second one


def test_a_source_that_fails_does_not_keep_the_others_from_being_indexed(greffier: System) -> None:
    add_source(greffier, "absent", 'kind = "answers"', 'path = "/nowhere/answers.csv"')
    add_source(greffier, "base", 'kind = "knowledge"', "helpdesk = 'sandbox'")
    knowledge = greffier.sandbox.store.knowledge
    knowledge.add_answer(knowledge.add_category("Voirie"), "Trottoirs", "<p>Signalez un trottoir abîmé.</p>")
    done = greffier.run("index")
    assert done.exit_code == 1
    failed = "absent: FAILED: sources.absent: path: /nowhere/answers.csv does not exist on this machine\n"
    assert failed in done.output
    assert "notes: 2 added" in done.output
    assert "base: 1 added" in done.output
    assert passages(greffier) == {"passages": 3, "vectors": 3}
    assert greffier.rows("SELECT name, last_error IS NULL, documents FROM source ORDER BY name") == [
        ("absent", False, 0),
        ("base", True, 1),
        ("notes", True, 2),
    ]


def test_many_removals_at_once_are_refused_until_they_are_allowed(greffier: System) -> None:
    for number in range(40):
        write(greffier, f"n{number}", f"Le texte {number}.")
    assert greffier.run("index").exit_code == 0
    for number in range(40):
        write(greffier, f"n{number}", "").unlink()
    write(greffier, "neuf", "Un texte neuf.")
    settled = (
        "SELECT last_analyze FROM pg_stat_user_tables WHERE schemaname ~ '^greffier_index' AND relname = 'passage'"
    )
    before = greffier.rows(settled)
    refused = greffier.run("index")
    assert refused.exit_code == 1
    wait_until(lambda: greffier.rows(settled) != before)  # what went in is as fast to search as ever
    assert "notes: FAILED: notes: 40 of 42 documents are no longer in the source; nothing was removed" in refused.output
    assert "notes: 1 added, 0 changed, 2 unchanged, 0 removed" in refused.output
    assert passages(greffier) == {"passages": 43, "vectors": 43}  # what is new is in all the same
    assert "40 removed" in greffier.run("index", "notes", "--remove-many").output
    assert passages(greffier) == {"passages": 3, "vectors": 3}


def test_a_run_that_is_interrupted_loses_nothing_and_the_next_one_goes_on(greffier: System) -> None:
    for number in range(298):
        write(greffier, f"n{number}", f"Le texte {number}.")
    greffier.models.script = replace(greffier.models.script, embedding_latency=0.5)
    process = started(greffier)
    wait_until(lambda: greffier.rows("SELECT count(*) FROM embedding")[0][0] >= 16)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted: nothing is lost, run it again to go on\n" in told
    assert unforeseen(told) == []
    found = passages(greffier)
    assert found["passages"] == 300  # all text can be searched
    assert found["vectors"] < 300
    greffier.models.script = replace(greffier.models.script, embedding_latency=0.0)
    kept = greffier.rows("SELECT count(*) FROM embedding")[0][0]
    done = greffier.run("index")
    assert f"0 added, 0 changed, 300 unchanged, 0 removed, 0 skipped; {300 - kept} passages embedded" in done.output
    assert passages(greffier) == {"passages": 300, "vectors": 300}


def test_only_one_run_at_a_time(greffier: System) -> None:
    greffier.models.script = replace(greffier.models.script, embedding_latency=5.0)
    first = started(greffier)
    wait_until(lambda: greffier.rows(LOCKS) != [])
    second = started(greffier)
    assert second.communicate(timeout=30)[1] == "greffier: another greffier index is running: wait until it ends\n"
    assert second.returncode == 1
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=30)


def test_a_source_that_is_no_longer_configured_is_told_and_can_be_forgotten(greffier: System) -> None:
    (greffier.config.parent / "more").mkdir()
    write(greffier, "impôt", "L'impôt se paie en ligne.", "more")
    configured = greffier.config.read_text("utf-8")
    add_source(greffier, "more", 'kind = "files"', f'path = "{greffier.config.parent / "more"}"')
    assert greffier.run("index").exit_code == 0
    refused = greffier.run("index", "--forget", "more")
    assert "sources.more is configured" in str(refused.exception)
    greffier.config.write_text(configured, "utf-8")
    told = greffier.run("index").output
    assert "more is in the index but no longer in the settings: greffier index --forget more removes it" in told
    assert greffier.run("index", "--forget", "more").output == "more: 1 documents removed from the index\n"
    assert "forget" not in greffier.run("index").output
    assert passages(greffier)["passages"] == 2


def test_organisation_and_audience_are_those_of_the_settings(greffier: System) -> None:
    greffier.configure('organisation = "Mairie de Lyon"', "sources.notes")
    greffier.configure('audience = "agents"', "sources.notes")
    assert greffier.run("index").exit_code == 0
    shelves = greffier.rows(f"SELECT corpus, organisation, audience FROM {indexes(greffier)[0]}.shelf")  # noqa: S608
    assert shelves == [("notes", "Mairie de Lyon", "agents")]
    greffier.configure('organisation = ""', "sources.notes")
    assert "2 changed" in greffier.run("index").output


def test_an_organisation_is_erased_once_its_sources_are_gone(greffier: System) -> None:
    (greffier.config.parent / "more").mkdir()
    write(greffier, "lyon", "Le règlement de Lyon.", folder="more")
    configured = greffier.config.read_text("utf-8")
    more = f'path = "{greffier.config.parent / "more"}"'
    add_source(greffier, "more", 'kind = "files"', more, 'organisation = "Lyon"')
    assert greffier.run("index").exit_code == 0
    assert "sources.more is Lyon's" in str(greffier.run("index", "--erase", "Lyon").exception)
    greffier.config.write_text(configured, "utf-8")
    assert greffier.run("index", "--erase", " Lyon").output == "Lyon: erased from the index\n"
    assert passages(greffier)["passages"] == 2


def test_what_other_embedders_made_is_named_after_an_erasure_and_can_be_dropped(greffier: System) -> None:
    assert greffier.run("index").exit_code == 0
    (first,) = indexes(greffier)
    greffier.configure('passage_prefix = "text: "', "embeddings")
    assert isinstance(greffier.run("index", "--drop-others").exception, ConfigurationError)  # ours is not made yet
    assert indexes(greffier) == [first]
    assert greffier.run("index").exit_code == 0
    told = greffier.run("index", "--erase", "Lyon").output
    assert f"may hold its documents: {first}\ngreffier index --drop-others drops them\n" in told
    assert greffier.run("index", "--drop-others").output == f"{first}: dropped\n"
    assert greffier.run("index", "--drop-others").output == "there is no other index\n"
    assert passages(greffier)["passages"] == 2


@pytest.mark.parametrize("arguments", [("--erase", ""), ("--erase", " * "), ("--forget", ""), ("",)])
def test_what_names_nobody_touches_nothing(greffier: System, arguments: tuple[str, ...]) -> None:
    assert greffier.run("index").exit_code == 0
    write(greffier, "congé", "Le congé parental dure un an.")
    assert isinstance(greffier.run("index", *arguments).exception, ConfigurationError)
    assert passages(greffier)["passages"] == 2


def test_where_nothing_is_configured_or_nothing_named_so_it_says_which_setting(greffier: System) -> None:
    assert "sources: none is named note; configured: notes" in str(greffier.run("index", "note").exception)
    greffier.config.write_text(greffier.config.read_text("utf-8").partition("[sources.notes]")[0], "utf-8")
    assert "sources: none is configured" in str(greffier.run("index").exception)
    assert greffier.run("index", "notes", "--due").exit_code == 2


def test_without_an_embedder_the_failure_is_kept_and_told(greffier: System) -> None:
    greffier.models.stop()
    done = greffier.run("index")
    assert "[embeddings]" in str(done.exception) or "embeddings" in str(done.exception)
    assert greffier.rows("SELECT name, indexed_at, last_error IS NULL FROM source") == [("notes", None, False)]


def test_only_what_is_due_is_read_again(greffier: System) -> None:
    def is_read(change: str = "") -> bool:
        if change:
            greffier.execute(f"UPDATE source SET {change}")  # noqa: S608
        before = greffier.rows("SELECT tried_at FROM source")
        process = started(greffier, "--due")  # its priority is for good
        assert process.communicate(timeout=60)[0] == ""  # the log alone tells
        assert process.returncode == 0
        return greffier.rows("SELECT tried_at FROM source") != before

    assert is_read()  # never indexed
    assert not is_read()
    assert is_read("tried_at = now() - interval '25 hours'")
    assert is_read("tried_at = now() - interval '2 hours', last_error = 'it broke'")
    greffier.configure("refresh_hours = 0", "sources.notes")
    assert not is_read("tried_at = now() - interval '90 days'")


def test_progress_is_told_now_and_then_where_there_is_no_terminal(
    greffier: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    from webhooks.index import progress

    monkeypatch.setattr(progress, "ELSEWHERE", 0.0)
    for number in range(40):
        write(greffier, f"n{number}", f"Le texte {number}.")
    told = greffier.run("index").output
    assert "notes: 42 documents read\n" in told
    assert re.search(r"notes: \d+ passages have their vectors, \d+ of all sources wait", told)


def test_the_lock_is_free_again_when_its_holder_is_killed(greffier: System) -> None:
    greffier.models.script = replace(greffier.models.script, embedding_latency=5.0)
    process = started(greffier)
    wait_until(lambda: greffier.rows(LOCKS) != [])
    process.kill()
    process.communicate(timeout=30)
    given = settings.load(greffier.config, {})
    with wiring.database(given, connections=1) as pool:
        time.sleep(0.5)
        with States(pool).alone() as alone:
            assert alone


def test_links_are_kept_to_be_looked_at_where_that_is_asked_for(greffier: System) -> None:
    greffier.configure('base_url = "https://mairie.example/notes"', "sources.notes")
    assert greffier.run("index").exit_code == 0
    assert greffier.rows("SELECT count(*) FROM link") == [(0,)]
    greffier.configure("check_links = true", "sources.notes")
    assert greffier.run("index").exit_code == 0
    assert greffier.rows("SELECT source, url FROM link ORDER BY url") == [
        ("notes", "https://mairie.example/notes/carte.txt"),
        ("notes", "https://mairie.example/notes/permis.txt"),
    ]
    greffier.configure("check_links = false", "sources.notes")
    assert greffier.run("index").exit_code == 0
    assert greffier.rows("SELECT count(*) FROM link") == [(0,)]


def use_weaviate(greffier: System, server: WeaviateServer, prefix: str) -> None:
    with greffier.config.open("a", encoding="utf-8") as file:
        file.write(
            f'\n[store]\nkind = "weaviate"\nurl = "{server.url}"\ngrpc_port = {server.grpc_port}\n'
            f'api_key = "{server.api_key}"\nprefix = "{prefix}"\n'
        )


@pytest.mark.weaviate
def test_a_new_index_with_much_less_in_it_is_not_put_in_use(greffier: System, weaviate_server: WeaviateServer) -> None:
    use_weaviate(greffier, weaviate_server, "IndexLess")
    for number in range(8):
        write(greffier, f"n{number}", f"Le texte {number}.")
    assert greffier.run("index").exit_code == 0
    for number in range(8):
        write(greffier, f"n{number}", "").rename(greffier.config.parent / "notes" / f"n{number}.pdf")
    unread = greffier.run("index", "--anew")
    assert unread.exit_code == 0
    assert "new index is not in use yet: not all could be read of notes. If that is right, run it" in unread.output
    assert passages(greffier)["passages"] == 10
    greffier.execute("UPDATE source SET skipped_since = now() - interval '1 day'")
    fewer = greffier.run("index", "--anew")
    assert fewer.exit_code == 1
    assert "notes: FAILED: notes: 2 documents were read and 10 the last time. If that is right, run" in fewer.output
    assert "the new index is not in use yet: failed: notes\n" in fewer.output
    assert passages(greffier)["passages"] == 10
    assert "not in use" not in greffier.run("index", "--anew", "--remove-many").output
    assert passages(greffier)["passages"] == 2


@pytest.mark.weaviate
def test_an_index_in_weaviate_is_made_anew_and_takes_the_place_of_the_old_one(
    greffier: System, weaviate_server: WeaviateServer
) -> None:
    use_weaviate(greffier, weaviate_server, "IndexCommand")
    greffier.execute("CREATE SCHEMA greffier_index_before")  # from the time before Weaviate
    assert "notes: 2 added" in greffier.run("index").output
    assert "may hold its documents: greffier_index_before" in greffier.run("index", "--erase", "Lyon").output
    assert greffier.run("index", "--drop-others").output == "greffier_index_before: dropped\n"
    assert passages(greffier) == {"passages": 2, "vectors": 2}
    write(greffier, "congé", "Le congé parental dure un an.")
    assert "notes: 3 added" in greffier.run("index", "--anew").output
    assert passages(greffier) == {"passages": 3, "vectors": 3}
    assert "notes: 0 added, 0 changed, 3 unchanged" in greffier.run("index").output


def test_an_index_in_postgresql_is_not_made_anew(greffier: System) -> None:
    assert "--anew is for Weaviate" in str(greffier.run("index", "--anew").exception)
