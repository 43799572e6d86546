"""`greffier run` as an admin has it: real processes, killed in every way."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.system import SECRET, System, system, wait_until
from webhooks.demo.processes import answers
from webhooks.running import postgres, supervisor
from webhooks.running.child import spawn

pytestmark = pytest.mark.server

QUESTION = "Mon propriétaire ne m'a pas rendu le dépôt de garantie. Quel est le délai ?"
STATUS_OF_WRONG_SETTINGS = 2


@pytest.fixture
def alone() -> Iterator[System]:
    """Greffier without a database of anybody else's."""
    # not in pytest's own folder: as root, PostgreSQL runs as another user, who could not enter it
    with tempfile.TemporaryDirectory(prefix="greffier-run-") as folder:
        data = Path(folder) / "é data"
        with system(Path(folder), postgres.address(data)) as running:
            configuration = running.config.read_text("utf-8")
            own = configuration.replace(f'database_url = "{running.database}"', f'data = "{data}"')
            running.config.write_text(own, "utf-8")
            yield running


def processes(greffier: System, *parts: str) -> list[psutil.Process]:
    """Those of this Greffier whose command line has these parts."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if str(greffier.config.parent) in " ".join(line) and all(part in line for part in parts):
            found.append(process)
    return found


def started(greffier: System) -> subprocess.Popen[bytes]:
    """`greffier run`, which takes messages in."""
    process = greffier.start("run")
    if not greffier.sandbox.deliveries.log:
        greffier.sandbox.set_up(f"{greffier.url}/webhooks/sandbox", SECRET)
    wait_until(lambda: answers(f"{greffier.url}/readyz") or process.poll() is not None)
    assert process.poll() is None, greffier.log("run")
    return process


def is_answered(greffier: System, text: str = QUESTION) -> bool:
    ticket, _ = greffier.sandbox.write_as_customer("Dépôt de garantie", text)
    wait_until(lambda: len(greffier.sandbox.notes(ticket)) == 1)
    return True


def test_on_one_machine_it_needs_no_database_and_leaves_nothing_behind(alone: System) -> None:
    assert alone.run("migrate").output.startswith("applied 0001")
    assert alone.run("index").exit_code == 0
    assert processes(alone) == []  # a command starts the database if it must, and stops it

    killed = started(alone)
    assert is_answered(alone)
    (database,) = (one for one in processes(alone) if one.ppid() == killed.pid and "-D" in one.cmdline())
    database.kill()
    wait_until(lambda: "database: ended by signal 9, again in 1 s" in alone.log("run"))
    assert is_answered(alone, QUESTION + " Je suis parti en mars.")
    assert "posted" in alone.run("status").output  # on the database that runs
    second = alone.start("run")
    assert second.wait(30) == 1
    assert "another `greffier run`, or a command that uses its database, runs in" in alone.log("run")

    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    wait_until(lambda: processes(alone) == [], 20)

    ended = started(alone)
    assert is_answered(alone, QUESTION + " Je suis parti en mai.")
    ended.send_signal(signal.SIGTERM)
    assert ended.wait(30) == 0
    assert processes(alone) == []
    assert not (postgres.data_folder(alone.config.parent / "é data") / "postmaster.pid").exists()


def test_without_an_index_it_says_so_once_and_ends(alone: System) -> None:
    assert alone.start("run").wait(60) == STATUS_OF_WRONG_SETTINGS
    assert alone.log("run").count("there is no index yet: run greffier index") == 1
    assert processes(alone) == []


def test_children_that_are_killed_are_started_again_and_a_draft_in_progress_is_finished(greffier: System) -> None:
    process = started(greffier)
    wait_until(lambda: len(processes(greffier, "worker")) == 1)
    for name in ("worker", "web"):
        leader = next(one for one in processes(greffier, name) if one.ppid() == process.pid)
        leader.kill()
        wait_until(lambda name=name: f"{name}: ended by signal 9, again in 1 s" in greffier.log("run"))
    wait_until(lambda: answers(f"{greffier.url}/readyz"))
    assert is_answered(greffier)

    greffier.models.script = replace(greffier.models.script, latency=2.0)
    before = len(greffier.models.requests)
    greffier.sandbox.write_as_customer("Dépôt de garantie", QUESTION + " Je suis parti en mai.")
    wait_until(lambda: any(one.path.endswith("/chat/completions") for one in greffier.models.requests[before:]))
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert greffier.states() == ["posted", "posted"]
    assert processes(greffier) == []


def test_who_asks_twice_does_not_wait_for_drafts(greffier: System) -> None:
    greffier.models.script = replace(greffier.models.script, latency=30.0)
    process = started(greffier)
    greffier.sandbox.write_as_customer("Dépôt de garantie", QUESTION)
    wait_until(lambda: any(one.path.endswith("/chat/completions") for one in greffier.models.requests))
    process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert "worker: killed, it did not stop in time" in greffier.log("run")
    assert processes(greffier) == []


def test_wrong_settings_end_it_before_anything_is_started(greffier: System) -> None:
    greffier.configure('language = "latin"', "web")
    assert greffier.start("run").wait(30) == STATUS_OF_WRONG_SETTINGS
    assert "web.language: unknown setting" in greffier.log("run")


def test_a_number_that_another_process_has_now_is_not_taken_for_the_database(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="greffier-run-") as folder:
        with postgres.running(Path(folder)):
            pass
        stranger = subprocess.Popen(["sleep", "60"])
        left = postgres.data_folder(Path(folder)) / "postmaster.pid"
        left.write_text(f"{stranger.pid}\n{left.parent}\n", "utf-8")
        try:
            with postgres.running(Path(folder)) as server:
                assert server.is_ready()
            assert stranger.poll() is None
        finally:
            stranger.kill()
            stranger.wait()


def test_what_ends_again_and_again_is_started_after_longer_and_longer_pauses(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(supervisor, "LONGEST_PAUSE", 0.04)
    child = supervisor.Child("it", lambda: spawn(["false"], when_orphaned=signal.SIGKILL))
    caplog.set_level("WARNING", "greffier.run")
    pauses: list[object] = []
    while len(pauses) < 4:
        child.tend()
        pauses = [record.args[2] for record in caplog.records if isinstance(record.args, tuple)]
        time.sleep(0.01)
    assert pauses == [0.01, 0.02, 0.04, 0.04]
