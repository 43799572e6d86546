"""The sandbox as a process of its own, as the demo starts it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import requests

from tests.webhooks.demo.sandbox.conftest import Receiver


def test_the_process_serves_delivers_and_ends_on_a_signal(tmp_path: Path, receiver: Receiver) -> None:
    (tmp_path / "token").write_text("jeton\n")
    (tmp_path / "secret").write_text("secret\n")
    command = [sys.executable, "-m", "webhooks.demo.sandbox", "--token-file", str(tmp_path / "token")]
    command += ["--webhook-url", receiver.url, "--secret-file", str(tmp_path / "secret")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        form = {"usager": "jeanne.vauquelin@exemple.example", "groupe": "État civil", "objet": "O", "texte": "T"}
        shown = requests.post(f"{url}/nouvelle", data=form, timeout=10)
        me = requests.get(f"{url}/api/v1/users/me", headers={"Authorization": "Bearer jeton"}, timeout=10)
        assert receiver.arrived.wait(20)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0

    assert shown.status_code == 200
    assert me.json()["login"] == "greffier@valbrume.example"
