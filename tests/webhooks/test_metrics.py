"""What Prometheus reads, from real processes: counts of all web processes together, and the database's figures."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psutil
import psycopg
import pytest
import requests

from chains.steps import LEVERS
from tests.bench.load import send
from tests.scrape import scrape
from tests.system import SECRET, System, wait_until
from tests.webhooks.test_crash import TEXT, allow
from tests.webhooks.test_hostile import frozen, signature
from tests.webhooks.work import Work
from webhooks.demo.processes import answers, free_port
from webhooks.metrics import STAGES

pytestmark = pytest.mark.server

ARTICLE = {"sender": "Customer", "internal": False, "preferences": {}}
ACCEPTED = 'greffier_deliveries_total{helpdesk="sandbox",outcome="accepted",status="202"}'
_ids = count(1)


def bodies(number: int) -> list[bytes]:
    """Deliveries of so many new messages."""
    ids = [next(_ids) for _ in range(number)]
    return [json.dumps({"ticket": {"id": one}, "article": ARTICLE | {"id": one}}).encode() for one in ids]


def deliver(greffier: System, number: int) -> None:
    send(greffier.port, "/webhooks/sandbox", bodies(number), SECRET, senders=8)


def web_processes(greffier: System) -> list[psutil.Process]:
    return psutil.Process(greffier.processes["web"].pid).children()


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The only folder that the processes may write to, as in a container whose file system is read-only."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setenv("TMPDIR", folder)
        yield Path(folder)


def test_whichever_process_answers_the_counts_are_those_of_all(greffier: System) -> None:
    greffier.start_web()
    deliver(greffier, 400)
    counts = [scrape(greffier.url) for _ in range(12)]
    assert {found[ACCEPTED] for found in counts} == {400}
    assert {found["greffier_delivery_seconds_count"] for found in counts} == {400}
    assert all(process.cpu_times().user > 0.1 for process in web_processes(greffier))  # both have worked


def test_a_process_that_is_replaced_takes_no_counts_with_it(greffier: System, temporary: Path) -> None:
    greffier.start_web()
    for number in range(1, 4):
        deliver(greffier, 40)
        (dying, *_), before = web_processes(greffier), len(web_processes(greffier))
        dying.kill()
        dying.wait(10)
        wait_until(lambda gone=dying: gone not in web_processes(greffier))
        wait_until(lambda all_of=before: len(web_processes(greffier)) == all_of)
        wait_until(lambda: answers(f"{greffier.url}/readyz"))
        assert scrape(greffier.url)[ACCEPTED] == 40 * number
    (folder,) = temporary.glob("greffier-web-*")
    assert len(list(folder.iterdir())) == 4  # counters and histograms of two places, however many processes there were


def test_each_start_counts_from_nothing_and_leaves_nothing_behind(greffier: System, temporary: Path) -> None:
    for _ in range(2):
        greffier.start("web")
        wait_until(lambda: answers(f"{greffier.url}/readyz"))
        assert scrape(greffier.url)[ACCEPTED] == 0
        (folder,) = temporary.glob("greffier-web-*")
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        deliver(greffier, 3)
        (folder / "counter_9.db").touch()  # as the file of a process is for a moment, while it starts
        assert scrape(greffier.url)[ACCEPTED] == 3
        os.kill(greffier.processes["web"].pid, signal.SIGTERM)
        assert greffier.processes["web"].wait(20) == 0
        assert list(temporary.glob("greffier-*")) == []


def test_what_a_killed_one_left_is_removed_at_the_next_start_and_what_is_in_use_is_not(
    greffier: System, temporary: Path
) -> None:
    greffier.start_web()
    (left,) = temporary.glob("greffier-web-*")
    os.killpg(greffier.processes["web"].pid, signal.SIGKILL)
    greffier.processes["web"].wait(10)
    greffier.start("web")
    wait_until(lambda: answers(f"{greffier.url}/readyz"))
    (used,) = temporary.glob("greffier-web-*")
    assert used != left
    assert greffier.start("web").wait(30) != 0  # its port is taken
    assert list(temporary.glob("greffier-web-*")) == [used]


def test_what_is_not_taken_is_counted_by_its_status_and_by_no_name_of_a_stranger(greffier: System) -> None:
    greffier.start_web()
    post, address = requests.post, f"{greffier.url}/webhooks/sandbox"
    body = bodies(1)[0]
    send(greffier.port, "/webhooks/sandbox", [body, body], SECRET, senders=1)
    assert post(address, body, headers={"X-Hub-Signature": "sha1=0"}, timeout=9).status_code == 401
    assert post(f"{greffier.url}/webhooks/marqueur", timeout=9).status_code == 404
    assert requests.get(f"{address}/marqueur", timeout=9).status_code == 404
    assert requests.get(f"{greffier.url}/marqueur", timeout=9).status_code == 404
    with socket.create_connection(("127.0.0.1", greffier.port)) as connection:
        connection.sendall(b"marqueur\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")
    found = {name: value for name, value in scrape(greffier.url).items() if "deliveries" in name and value}
    assert found == {
        ACCEPTED: 1,
        'greffier_deliveries_total{helpdesk="sandbox",outcome="known",status="202"}': 1,
        'greffier_deliveries_total{helpdesk="sandbox",outcome="refused",status="401"}': 1,
        'greffier_deliveries_total{helpdesk="-",outcome="refused",status="404"}': 2,
        'greffier_deliveries_total{helpdesk="-",outcome="refused",status="400"}': 1,
    }


def test_without_its_database_the_page_says_so_and_what_the_process_knows(
    greffier: System, postgres_server: str
) -> None:
    greffier.start_web()
    deliver(greffier, 5)
    assert scrape(greffier.url)["greffier_database_up"] == 1
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        allow(admin, greffier, False)
        address, body = f"{greffier.url}/webhooks/sandbox", bodies(1)[0]
        assert requests.post(address, body, headers={"X-Hub-Signature": signature(body)}, timeout=9).status_code == 503
        wait_until(lambda: scrape(greffier.url)["greffier_database_up"] == 0, 5)
        found = scrape(greffier.url)
        allow(admin, greffier, True)
    assert found[ACCEPTED] == 5
    assert found['greffier_deliveries_total{helpdesk="sandbox",outcome="unavailable",status="503"}'] == 1
    assert not any(name.startswith("greffier_open_events") for name in found)
    wait_until(lambda: scrape(greffier.url)["greffier_database_up"] == 1, 5)


def test_a_database_that_is_frozen_holds_the_page_up_for_less_than_prometheus_waits(greffier: System) -> None:
    greffier.start_web()
    with frozen(greffier):
        began = time.monotonic()
        assert scrape(greffier.url)["greffier_database_up"] == 0
        assert time.monotonic() - began < 10


def test_the_page_may_be_switched_off(greffier: System) -> None:
    greffier.configure("metrics = false", "web")
    greffier.start_web()
    assert requests.get(f"{greffier.url}/metrics", timeout=9).status_code == 404


def test_the_worker_tells_how_events_ended_and_how_long_each_stage_took(greffier: System) -> None:
    port = free_port()
    greffier.configure(f"metrics_port = {port}", "worker")
    greffier.start_web()
    greffier.start("worker")
    greffier.sandbox.write_as_customer("Dépôt de garantie", TEXT.format(2))
    greffier.sandbox.write_as_customer("Permis", TEXT.format(3), group="Urbanisme")
    wait_until(lambda: sorted(greffier.states()) == ["posted", "skipped"])
    wait_until(lambda: scrape(f"http://127.0.0.1:{port}").get('greffier_settled_seconds_count{state="posted"}') == 1)
    found = scrape(f"http://127.0.0.1:{port}")
    assert found['greffier_settled_total{helpdesk="sandbox",reason="group_off",state="skipped"}'] == 1
    stages = {stage: found[f'greffier_stage_seconds_count{{stage="{stage}"}}'] for stage in STAGES}
    steps = {"fetch": 3, "retrieve": 1, "model": 1, "check": 1, "draft": 1, "post": 1, "offer": 1}
    assert stages == steps | dict.fromkeys(LEVERS, 0)
    assert found['greffier_last_day_events{helpdesk="sandbox",reason="group_off",state="skipped"}'] == 1
    assert found["greffier_worker_heartbeat_timestamp_seconds"] > 1e9
    assert found['greffier_jobs{status="todo"}'] == 0
    assert not any("_created" in name for name in found)


def test_a_worker_says_which_setting_names_a_port_that_is_taken(greffier: System) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        greffier.configure(f"metrics_port = {taken.getsockname()[1]}", "worker")
        assert greffier.start("worker").wait(60) == 2
    assert "worker.metrics_port: cannot listen on" in greffier.log("worker")


def test_a_failed_attempt_is_counted_as_an_outage_or_as_an_error(line: Work) -> None:
    counted: list[tuple[str, bool]] = []
    line.worker._drafting.failed = lambda name, outage: counted.append((name, outage))  # type: ignore[method-assign]
    line.greffier.models.stop()
    _, key = line.message()
    line.handle(key)
    assert counted == [("sandbox", True)]
