"""The systemd unit that we ship says what the program does."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from webhooks.cli import cli
from webhooks.config import template
from webhooks.config.drafting import ChatSettings
from webhooks.config.sources import PATH_VARIABLE
from webhooks.running.command import GRACE, WRONG_SETTINGS
from webhooks.running.postgres import STOPS

DOCS = Path(__file__).parents[2] / "docs"
UNIT = DOCS / "greffier.service"


def setting(name: str) -> str:
    found = re.findall(rf"^{name}=(.*)$", UNIT.read_text("utf-8"), re.MULTILINE)
    assert len(found) == 1
    return str(found[0])


def test_it_starts_a_command_that_exists_on_the_file_that_is_installed() -> None:
    program, *arguments = setting("ExecStart").split()
    assert arguments == ["run"]
    assert arguments[0] in cli.commands
    variable, _, file = setting("Environment").partition("=")
    assert variable == PATH_VARIABLE
    install = (DOCS / "install.md").read_text("utf-8")
    assert all(path in install for path in (str(Path(program).parent), file, setting("WorkingDirectory")))


def test_it_keeps_the_data_where_the_file_to_start_from_has_them() -> None:
    assert f"/var/lib/{setting('StateDirectory')}" == setting("WorkingDirectory")
    assert f'data = "{setting("WorkingDirectory")}"' in template.text(Path("/etc/greffier"))


def test_it_waits_for_drafts_and_database_and_does_not_repeat_a_mistake() -> None:
    timeout = ChatSettings.model_fields["timeout"].default
    assert int(setting("TimeoutStopSec")) > timeout + GRACE + STOPS
    assert setting("KillMode") == "mixed"
    assert int(setting("RestartPreventExitStatus")) == WRONG_SETTINGS


def test_systemd_takes_it(tmp_path: Path) -> None:
    if not (analyze := shutil.which("systemd-analyze")):
        pytest.skip("no systemd on this machine")
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text("utf-8").replace(setting("ExecStart"), f"{sys.executable} run"), "utf-8")
    done = subprocess.run([analyze, "verify", str(copy)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_command_of_the_papers_exists() -> None:
    for paper in DOCS.glob("*.md"):
        for line in re.findall(r"^ {4}(?:sudo \S+ )*greffier ([a-z].*)$", paper.read_text("utf-8"), re.MULTILINE):
            command, *words = line.split()
            assert command in cli.commands, f"{paper.name}: greffier {line}"
            group = getattr(cli.commands[command], "commands", None)
            assert group is None or words[0] in group, f"{paper.name}: greffier {line}"


def test_every_unit_of_the_papers_is_one_that_we_ship() -> None:
    shipped = {unit.stem for unit in DOCS.glob("*.service")}
    told = "\n".join(paper.read_text("utf-8") for paper in (*DOCS.glob("*.md"), DOCS.parent / "README.md"))
    named = re.findall(r"\b([\w@-]+)\.service\b", told) + re.findall(r"journalctl -u ([\w@-]+)", told)
    for words in re.findall(r"systemctl ([^#`\n]+)", told):
        named += [word for word in words.split()[1:] if not word.startswith("-")]
    assert len(named) > 5
    assert set(named) == shipped


def test_the_papers_install_the_same_program_each_time() -> None:
    told = "\n".join((DOCS / paper).read_text("utf-8") for paper in ("install.md", "operations.md"))
    installed = re.findall(r"^ {4}(\S*pip install .*)$", told, re.MULTILINE)
    assert len(installed) == 2
    assert len(set(installed)) == 1
