"""The worker reads sources again: a real worker, a real process beside it."""

from __future__ import annotations

import signal
from contextlib import suppress
from dataclasses import replace

import psutil
import pytest

from tests.system import System, unforeseen, wait_until
from tests.webhooks.work import QUESTION, Work

pytestmark = pytest.mark.server


def runs(greffier: System) -> list[psutil.Process]:
    """The processes that index."""
    found = []
    for child in psutil.Process(greffier.processes["worker"].pid).children(recursive=True):
        with suppress(psutil.Error):  # it has just ended
            found += [child] if "--due" in child.cmdline() else []
    return found


def test_the_worker_indexes_what_is_due_and_drafts_meanwhile(greffier: System) -> None:
    greffier.execute("TRUNCATE embedding")
    greffier.execute("UPDATE source SET tried_at = now() - interval '25 hours', documents = 0")
    notes = greffier.config.parent / "notes"
    notes.mkdir()
    for number in range(100):
        (notes / f"n{number}.txt").write_text(f"Le texte {number}.", "utf-8")
    with greffier.config.open("a", encoding="utf-8") as file:
        file.write(f'\n[sources.notes]\nkind = "files"\npath = "{notes}"\n')
    greffier.models.script = replace(greffier.models.script, embedding_latency=0.3)
    greffier.start_web()
    greffier.start("worker")
    wait_until(lambda: [run.nice() for run in runs(greffier)] == [10])
    ticket, _ = greffier.sandbox.write_as_customer("Dépôt de garantie", QUESTION)
    wait_until(lambda: len(greffier.sandbox.notes(ticket)) == 1)
    states = [("notes", 100), ("service-public", 85)]
    wait_until(lambda: greffier.rows("SELECT name, documents FROM source ORDER BY name") == states)
    wait_until(lambda: "greffier.index: notes: 100 added" in greffier.log("worker"))
    assert unforeseen(greffier.log("worker")) == []


def test_a_worker_that_is_stopped_stops_its_run_and_what_is_due_stays_so(greffier: System) -> None:
    notes = greffier.config.parent / "notes"
    notes.mkdir()
    for number in range(400):
        (notes / f"n{number}.txt").write_text(f"Le texte {number}.", "utf-8")
    with greffier.config.open("a", encoding="utf-8") as file:
        file.write(f'\n[sources.notes]\nkind = "files"\npath = "{notes}"\n')
    greffier.models.script = replace(greffier.models.script, embedding_latency=1.0)
    process = greffier.start("worker")
    before = greffier.rows("SELECT count(*) FROM embedding")[0][0]
    wait_until(lambda: greffier.rows("SELECT count(*) FROM embedding")[0][0] > before)
    (run,) = runs(greffier)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert not run.is_running()
    assert greffier.rows("SELECT count(*) FROM source WHERE name = 'notes'") == [(0,)]
    assert unforeseen(greffier.log("worker")) == []


def test_a_worker_that_is_killed_leaves_no_run_behind(greffier: System) -> None:
    greffier.execute("TRUNCATE embedding")
    greffier.execute("UPDATE source SET tried_at = now() - interval '25 hours'")
    process = greffier.start("worker")
    wait_until(lambda: runs(greffier) != [])
    (run,) = runs(greffier)
    process.kill()
    process.wait(10)
    wait_until(lambda: not run.is_running(), 20)


def test_nothing_is_started_where_nothing_is_due_or_somebody_indexes_already(greffier: System) -> None:
    from webhooks import settings, wiring
    from webhooks.index.refresh import Refresh
    from webhooks.index.state import States

    given = settings.load(greffier.config, {})
    with wiring.database(given, connections=3) as pool:
        states = States(pool)
        Refresh(states, given.sources, greffier.config)(lambda: False)
        greffier.execute("UPDATE source SET tried_at = now() - interval '25 hours'")
        with states.alone():
            Refresh(states, given.sources, greffier.config)(lambda: False)
        assert states.due(given.sources) == ["service-public"]
        refresh = Refresh(states, given.sources, greffier.config)
        refresh(lambda: False)
        assert states.due(given.sources) == []
        greffier.execute("UPDATE source SET tried_at = now() - interval '25 hours'")
        refresh(lambda: False)  # not at once again, whatever is due
        assert states.due(given.sources) == ["service-public"]


def test_check_tells_of_each_source(greffier: System) -> None:
    with greffier.config.open("a", encoding="utf-8") as file:
        file.write('\n[sources.autres]\nkind = "answers"\npath = "/nowhere.csv"\n')
        file.write('\n[[profile]]\ncorpora = ["autres", "fiches"]\n')
    told = greffier.run("check").output
    assert "ok      sources.service-public: 85 documents, indexed 20" in told
    assert "warning profile.1.corpora: no source is named fiches" in told
    assert "named autres" not in told
    assert "warning sources.autres.path: /nowhere.csv does not exist on this machine" in told
    assert "warning sources.autres: not indexed yet: run greffier index" in told
    greffier.run("index")
    greffier.execute("UPDATE source SET tried_at = now() - interval '3 days' WHERE name = 'service-public'")
    greffier.execute("INSERT INTO source (name) VALUES ('old')")
    told = greffier.run("check").output
    assert "warning sources.autres: the last run failed: sources.autres: path: /nowhere.csv does not" in told
    assert ": overdue, is a worker running?" in told
    assert "warning sources.old: it is in the index but no longer in the settings" in told


def test_an_old_sheet_is_flagged_in_the_note_that_cites_it(line: Work) -> None:
    line.greffier.configure("max_age_days = 365", "sources.service-public")
    line.reload()
    ticket, key = line.message()
    line.handle(key)
    (note,) = line.notes(ticket)
    assert "mise à jour il y a plus de 12 mois" in note
    assert "mise à jour il y a plus de 12 mois" in line.greffier.run("draft", "sandbox", str(ticket)).output
