"""What the programs write: each line with its event, and nobody's words, whoever writes it."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.errors import RemoteError
from tests.system import SECRET, System, wait_until
from tests.webhooks.test_hostile import CITIZENS_WORDS, request, send, signature
from webhooks import logs
from webhooks.demo.model_answers import Fault, Script

MARKER = "ornithorynque"
QUESTION = f"Mon propriétaire {MARKER} ne m'a pas rendu le dépôt de garantie. Quel est le délai ?"


@pytest.fixture
def json_line(caplog: pytest.LogCaptureFixture) -> Callable[[], Any]:
    """The last line written, read as JSON."""
    caplog.handler.setFormatter(logs.Json())
    return lambda: json.loads(caplog.text.splitlines()[-1])


def fail(words: str) -> None:
    raise ValueError(words)


def log_as_json(greffier: System) -> None:
    settings = greffier.config.read_text("utf-8")
    greffier.config.write_text(f'{settings}\n[log]\nformat = "json"\nlevel = "debug"\n', "utf-8")


def lines(greffier: System, command: str) -> list[dict[str, str]]:
    """What a process has written, each line read as an object."""
    return [json.loads(line) for line in greffier.log(command).splitlines()]


def test_a_line_has_its_moment_its_level_its_author_and_its_event(json_line: Any) -> None:
    with logs.about(key="mairie:42:message", helpdesk="mairie"):
        logs.add(ticket="7")
        logging.getLogger("some.library").warning("in %s\nlines", "two")
    line = json_line()
    moment = datetime.fromisoformat(line.pop("time"))
    assert moment.utcoffset() == timedelta(0)
    assert abs(moment - datetime.now(UTC)) < timedelta(minutes=1)
    assert line == {
        "level": "warning",
        "logger": "some.library",
        "message": "in two\nlines",
        "key": "mairie:42:message",
        "helpdesk": "mairie",
        "ticket": "7",
    }


def test_what_a_line_is_about_is_forgotten_at_the_end(json_line: Any) -> None:
    with logs.about(key="outer"), suppress(ValueError), logs.about(key="inner"):
        fail("")
    logging.getLogger("greffier").warning("after")
    assert "key" not in json_line()


def test_threads_are_about_different_events(json_line: Any, caplog: pytest.LogCaptureFixture) -> None:
    both = threading.Barrier(2)

    def work(key: str) -> None:
        with logs.about(key=key):
            both.wait(10)
            logging.getLogger("greffier").warning("of %s", key)

    threads = [threading.Thread(target=work, args=[key]) for key in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    written = [json.loads(line) for line in caplog.text.splitlines()]
    assert sorted((line["key"], line["message"]) for line in written) == [("one", "of one"), ("two", "of two")]


@pytest.mark.parametrize("form", [logs.Json(), logs.Text()])
def test_of_an_error_that_is_not_ours_the_places_are_written_and_not_the_words(
    caplog: pytest.LogCaptureFixture, form: logging.Formatter
) -> None:
    caplog.handler.setFormatter(form)
    words = " ".join(["a", "citizen's", "words"])
    try:
        try:
            fail(words)
        except ValueError as error:
            raise RemoteError("the helpdesk is away", permanent=False) from error
    except RemoteError:
        logging.getLogger("some.library").exception("it failed")
    assert words not in caplog.text
    assert "in fail" in caplog.text
    assert "ValueError" in caplog.text
    assert "RemoteError: the helpdesk is away" in caplog.text


def test_text_names_the_event_where_the_message_does_not(caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.setFormatter(logs.Text())
    with logs.about(key="mairie:42:message"):
        logging.getLogger("greffier.line").warning("abstained")
        logging.getLogger("greffier.line").warning("mairie:42:message: posted")
    first, second = caplog.text.splitlines()
    assert first.endswith(" WARNING greffier.line: abstained [mairie:42:message]")
    assert second.endswith(" WARNING greffier.line: mairie:42:message: posted")


def test_arguments_that_do_not_fit_cost_no_line_and_are_not_shown() -> None:
    record = logging.LogRecord("some.library", logging.WARNING, "", 1, "%d messages", (MARKER,), None)
    assert json.loads(logs.Json().format(record))["message"] == "%d messages"


def test_an_error_in_the_background_of_the_loop_is_told_without_its_words(caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.setFormatter(logs.Json())

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(logs.of_loop)
        loop.call_soon(fail, MARKER)
        await asyncio.sleep(0.01)

    asyncio.run(main())
    assert "ValueError" in caplog.text
    assert MARKER not in caplog.text


@pytest.mark.parametrize(
    "where", ["fail()", "import threading; t = threading.Thread(target=fail); t.start(); t.join()"]
)
def test_an_error_that_nobody_catches_is_told_without_its_words(where: str) -> None:
    program = (
        "import sys; from webhooks import logs; logs.start(); logs.configure('json', 'info')\n"
        f"def fail(): raise ValueError(sys.argv[1])\n{where}"
    )
    done = subprocess.run([sys.executable, "-c", program, MARKER], capture_output=True, text=True)
    line = json.loads(done.stderr)
    assert (line["level"], line["message"]) == ("critical", "stopped by an error in Greffier")
    assert line["places"].endswith("ValueError")
    assert MARKER not in done.stderr


@pytest.mark.parametrize(("level", "written"), [("debug", "dwi"), ("info", "wi"), ("warning", "w"), ("error", "")])
def test_the_level_is_for_our_lines_and_libraries_speak_from_warning_on(level: str, written: str) -> None:
    program = (
        "import sys, logging; from webhooks import logs; logs.start(); logs.configure('json', sys.argv[1])\n"
        "for name in ('greffier.line', 'openai'):\n"
        "  for level in ('debug', 'info', 'warning'): getattr(logging.getLogger(name), level)(level[0])"
    )
    done = subprocess.run([sys.executable, "-c", program, level], capture_output=True, text=True, check=True)
    found = [json.loads(line) for line in done.stderr.splitlines()]
    assert {line["message"] for line in found if line["logger"] == "greffier.line"} == set(written)
    assert {line["message"] for line in found if line["logger"] == "openai"} == set(written) & {"w"}


@pytest.mark.server
def test_every_line_about_a_message_names_it_and_none_repeats_it(greffier: System) -> None:
    log_as_json(greffier)
    greffier.start_web()
    greffier.start("worker")
    ticket, article = greffier.sandbox.write_as_customer(MARKER, QUESTION)
    wait_until(lambda: greffier.states() == ["posted"])
    for fault in (Fault.HTML, Fault.REFUSED, Fault.EVENT):  # and with a model server that says it back
        greffier.models.script = Script(embeddings=True, fault=fault)
        greffier.sandbox.write_as_customer(MARKER, QUESTION)
    wait_until(lambda: len([line for line in lines(greffier, "worker") if line["level"] in ("warning", "error")]) >= 3)
    os.killpg(greffier.processes["worker"].pid, signal.SIGTERM)
    greffier.processes["worker"].wait(30)

    key = f"sandbox:{article}:message"
    for command in ("web", "worker"):
        written = lines(greffier, command)
        assert MARKER not in greffier.log(command)
        assert all({"time", "level", "logger", "message"} <= line.keys() for line in written)
        named = [line for line in written if "sandbox:" in line["message"] or "ticket" in line["message"]]
        assert named
        assert all(line["key"].startswith("sandbox:") and line["helpdesk"] == "sandbox" for line in named)
        assert {line["ticket"] for line in written if line.get("key") == key} == {str(ticket)}
    assert {"greffier.line"} <= {line["logger"] for line in lines(greffier, "worker") if line.get("key") == key}


@pytest.mark.server
def test_the_queues_own_lines_name_the_message_and_repeat_nothing(greffier: System) -> None:
    log_as_json(greffier)
    greffier.start_web()
    greffier.start("worker")
    greffier.execute(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION 'no: {MARKER}'; END $$;"
        "CREATE TRIGGER fail BEFORE UPDATE ON inbox FOR EACH ROW EXECUTE FUNCTION fail()"
    )
    greffier.sandbox.write_as_customer("Dépôt de garantie", QUESTION)
    wait_until(lambda: "procrastinate" in greffier.log("worker"))
    written = [line for line in lines(greffier, "worker") if line["logger"].startswith("procrastinate")]
    assert {line["key"].rpartition(":")[2] for line in written} == {"message"}
    assert all("RaiseException" in line["places"] for line in written)
    assert MARKER not in greffier.log("worker")


@pytest.mark.server
def test_what_strangers_send_is_refused_in_lines_that_do_not_repeat_it(greffier: System) -> None:
    log_as_json(greffier)
    greffier.start_web()
    body = json.dumps({"article": CITIZENS_WORDS}).encode()
    assert send(greffier, request(body, f"X-Hub-Signature: {signature(body, 'wrong')}")) == 401
    assert send(greffier, request(body)) == 400
    assert send(greffier, request(body, path=f"/webhooks/{MARKER}")) == 404
    assert send(greffier, f"{MARKER}\r\n\r\n".encode()) == 400
    assert send(greffier, request(b"", first="POST /webhooks/sandbox HTTP/9.9")) == 400
    written = lines(greffier, "web")
    refused = [line for line in written if "refused with" in line["message"]]
    assert [line.get("helpdesk") for line in refused] == ["sandbox", "sandbox", None, None]
    for told in (SECRET, CITIZENS_WORDS, "Octavie", signature(body)):
        assert told not in greffier.log("web")


@pytest.mark.server
def test_gunicorn_writes_through_our_log_in_its_format(greffier: System) -> None:
    log_as_json(greffier)
    greffier.start_web()
    wait_until(lambda: greffier.log("web").count("Booting worker") == 2)
    assert {line["logger"] for line in lines(greffier, "web") if "Booting" in line["message"]} == {"gunicorn.error"}
