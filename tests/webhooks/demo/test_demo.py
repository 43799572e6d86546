"""`greffier demo`, with the scripted model server in place of the model: all the rest is what people run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from connector.errors import GreffierError
from tests.system import wait_until
from webhooks.demo import weights
from webhooks.demo.messages import MESSAGES
from webhooks.demo.model_server import ModelServer


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not in pytest's own folder: as root, PostgreSQL runs as another user, who could not enter it."""
    with tempfile.TemporaryDirectory(prefix="greffier-demo-") as folder:
        yield Path(folder)


@pytest.fixture
def models() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


def demo(folder: Path, models: ModelServer, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "webhooks", "demo", "--data", str(folder), "--base-url", models.url, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
        start_new_session=True,
    )


def left_running(folder: Path) -> list[str]:
    """Its processes know the folder by an argument, or by a variable."""
    return [
        " ".join(process.info["cmdline"])
        for process in psutil.process_iter(["cmdline", "environ"])
        if any(str(folder) in text for text in (*(process.info["cmdline"] or []), *_variables(process)))
    ]


def _variables(process: psutil.Process) -> list[str]:
    environment = process.info["environ"] or {}
    return [environment.get(name, "") for name in ("GREFFIER_CONFIG", "PERSISTENCE_DATA_PATH")]


@pytest.mark.server
@pytest.mark.model
@pytest.mark.parametrize("store", ["postgres", pytest.param("weaviate", marks=pytest.mark.weaviate)])
def test_each_message_of_the_demo_ends_with_one_note_or_a_reason(folder: Path, models: ModelServer, store: str) -> None:
    process = demo(folder, models, "--once", "--json", "--store", store)
    printed, told = process.communicate(timeout=240)
    assert process.returncode == 0, told
    result = json.loads(printed)
    assert result["ok"]
    assert [message["notes"] for message in result["messages"]] == [1] * len(MESSAGES)
    by_subject = {message["subject"]: message["reason"] for message in result["messages"]}
    assert by_subject["Recette"] == by_subject["Inscription à la cantine"] == "no_source"
    assert left_running(folder) == []


@pytest.mark.server
@pytest.mark.model
def test_a_machine_where_weaviate_cannot_be_built_is_told_so(folder: Path, models: ModelServer) -> None:
    without_go = {"HOME": str(folder / "home"), "PATH": str(folder), "PIP_NO_INDEX": "1"}
    process = demo(folder, models, "--once", "--store", "weaviate", **without_go)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert told.splitlines()[-1].startswith("greffier: Weaviate 1.39.0 cannot be built: it wants Go 1.26, which is not")
    assert left_running(folder) == []


@pytest.mark.server
@pytest.mark.model
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_the_demo_leaves_nothing_running(folder: Path, models: ModelServer, number: int) -> None:
    process = demo(folder, models)
    wait_until(lambda: len(left_running(folder)) > 3)
    time.sleep(1)
    os.kill(process.pid, number)
    process.communicate(timeout=60)
    assert left_running(folder) == []


@pytest.mark.server
@pytest.mark.model
def test_a_second_demo_in_the_same_folder_is_refused(folder: Path, models: ModelServer) -> None:
    first = demo(folder, models)
    wait_until(lambda: (folder / "postgres" / "PG_VERSION").exists())
    second = demo(folder, models)
    assert "another demo runs in" in second.communicate(timeout=60)[1]
    os.kill(first.pid, signal.SIGTERM)
    first.communicate(timeout=60)


def test_a_model_of_other_bytes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = tmp_path / "part"
    part.write_bytes(b"other bytes")
    monkeypatch.setattr(weights, "_part", lambda number: part)
    with pytest.raises(GreffierError, match="do not hold the published file"):
        weights.assemble(tmp_path)
    assert list(tmp_path.iterdir()) == [part]
