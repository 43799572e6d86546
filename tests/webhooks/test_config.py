"""`greffier config`, and the page that is made from the settings."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from connector.errors import ConfigurationError
from tests.webhooks.test_profiles import PROFILES
from tests.webhooks.test_settings import TOML
from webhooks.cli import cli
from webhooks.config import reference, template
from webhooks.config.schema import schema
from webhooks.settings import load

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"
FILLED = {
    "the address at which agents open Zammad": "https://support.example",
    "the full name of a group": "État civil",
    "the model server's address, up to and with /v1": "http://gpu.example:8000/v1",
    "the model's name, as that server knows it": "mistral-small",
    "the feed of service-public.fr, a zip or a folder": "/srv/vosdroits.zip",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "greffier.toml"


def config(file: Path, command: str, **variables: str) -> Result:
    return CliRunner(env=variables).invoke(cli, ["--config", str(file), "config", command])


def filled_in(file: Path, text: str) -> Path:
    for wanted, value in FILLED.items():
        text = text.replace(f"FILL IN: {wanted}", value)
    file.write_text(text, "utf-8")
    for name in ("token", "webhook_secret", "chat_api_key"):
        (file.parent / name).write_text(f"the {name}\n".replace(" ", "-"), "utf-8")
    (file.parent / "database_url").write_text("postgresql://u:hunter2@db/greffier", "utf-8")
    return file


def test_the_file_to_start_from_names_each_thing_to_fill_in_and_each_secret_to_write(file: Path) -> None:
    assert config(file, "init").exit_code == 0
    with pytest.raises(ConfigurationError) as caught:
        load(file, {})
    lines = str(caught.value).splitlines()
    assert [line.partition("still to be filled in: ")[2] for line in lines[:5]] == list(FILLED)
    assert lines[0].startswith(f"{file}: helpdesks.mairie.url: ")
    assert [line.partition("cannot read ")[2].split(":")[0] for line in lines[5:]] == [str(file.parent / "token")]


def test_the_file_to_start_from_is_taken_once_it_is_filled_in(file: Path) -> None:
    config(file, "init")
    given = load(filled_in(file, file.read_text("utf-8")), {})
    assert given.data == file.parent / "data"
    assert list(given.helpdesks["mairie"].groups) == ["État civil"]
    assert Draft202012Validator(schema()).is_valid(written(file))


@pytest.mark.parametrize("line", [line for line in template.TEMPLATE.splitlines() if re.match("# [a-z_]+ = ", line)])
def test_each_line_of_it_that_is_commented_out_may_be_taken_in(
    file: Path, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = template.TEMPLATE.replace(line, line.removeprefix("# "))
    if "database_url" in line:
        text = text.replace("data = ", "# data = ")
    monkeypatch.setattr(template, "TEMPLATE", text)
    assert load(filled_in(file, template.text(file.parent)), {})


def test_a_file_that_is_there_is_left_as_it_is(file: Path) -> None:
    file.write_text("mine", "utf-8")
    done = config(file, "init")
    assert "there is one already" in str(done.exception)
    assert file.read_text("utf-8") == "mine"


def test_on_a_server_its_data_are_where_a_service_keeps_them() -> None:
    assert 'data = "/var/lib/greffier"' in template.text(Path("/etc/greffier"))


def test_what_is_in_force_is_shown_with_what_gave_it_and_no_secret(file: Path) -> None:
    file.write_text(TOML, "utf-8")
    variables = {"GREFFIER_WEB__PORT": "9000", "GREFFIER_HELPDESKS__PREFECTURE__GROUPS": '{"Étrangers": "off"}'}
    done = config(file, "show", **variables)
    assert done.exit_code == 0, done.exception
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in done.output.splitlines()}
    assert rows["database_url"] == f"set {file}"
    assert rows["data"] == "not set default"
    assert rows["chat.api_key"] == "missing default"
    assert rows["helpdesks.mairie.groups"] == f"État civil = draft, Urbanisme = off {file}"
    assert rows["helpdesks.prefecture.groups"] == "Étrangers = off GREFFIER_HELPDESKS__PREFECTURE__GROUPS"
    assert rows["helpdesks.mairie.channels"] == "email, web default"
    assert rows["web.port"] == "9000 GREFFIER_WEB__PORT"
    assert rows["web.threads"] == "8 default"
    assert "secret@db" not in done.output


def test_profiles_are_shown_one_by_one_with_what_gave_them(file: Path) -> None:
    file.write_text(TOML + PROFILES, "utf-8")
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in config(file, "show").output.splitlines()}
    assert rows["profile.1.groups"] == f"État civil {file}"
    assert rows["profile.2.closing"] == f"Bien à vous, {file}"
    assert rows["profile.2.corpora"] == "not set default"
    variable = {"GREFFIER_PROFILE": '[{"helpdesk": "mairie", "tone": "court"}]'}
    shown = config(file, "show", **variable).output
    assert re.search(r"profile.1.tone +court +GREFFIER_PROFILE\n", shown)
    assert "profile.2" not in shown


def test_a_secret_of_a_variable_takes_the_place_of_one_of_the_file(file: Path) -> None:
    file.write_text(TOML, "utf-8")
    (file.parent / "key").write_text("x", "utf-8")
    done = config(file, "show", GREFFIER_HELPDESKS__MAIRIE__TOKEN_FILE=str(file.parent / "key"))
    assert re.search(r"helpdesks.mairie.token +set +GREFFIER_HELPDESKS__MAIRIE__TOKEN_FILE\n", done.output)


def test_the_schema_is_one_and_takes_what_we_take() -> None:
    printed = CliRunner().invoke(cli, ["config", "schema"])
    Draft202012Validator.check_schema(json.loads(printed.output))
    assert list(Draft202012Validator(schema()).iter_errors(tomllib.loads(TOML + PROFILES))) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('token = "t"\n', ""),
        ('token = "t"\n', 'token = "t"\ntoken_file = "f"\n'),
        ('token = "t"\n', 'tokken = "t"\n'),
        ('kind = "zammad"', 'kind = "otrs"'),
        ("helpdesks.mairie", "helpdesks.Mairie"),
        ('"État civil" = "draft"', '"État civil" = "brouillon"'),
        ("database_url =", 'data = "d"\ndatabase_url ='),
        ("database_url =", "# "),
        ('model = "mistral"', ""),
        ("[chat]", "[web]\nport = 70000\n[chat]"),
        ("[chat]", '[sources.Fiches]\nkind = "files"\npath = "/srv"\n[chat]'),
        ("[chat]", '[sources.fiches]\nkind = "docs"\npath = "/srv"\n[chat]'),
        ("[chat]", '[[profile]]\nhelpdesk = "mairie"\ncorpora = []\n[chat]'),
        ("[chat]", '[[profile]]\nhelpdesk = "mairie"\ncolour = "x"\n[chat]'),
    ],
)
def test_what_we_refuse_the_schema_refuses(file: Path, before: str, after: str) -> None:
    file.write_text(TOML.replace(before, after), "utf-8")
    with pytest.raises(ConfigurationError):
        load(file, {})
    assert not Draft202012Validator(schema()).is_valid(written(file))


def test_a_secret_may_be_a_file_and_the_database_our_own_in_the_schema_too() -> None:
    files = TOML.replace('token = "t"', 'token_file = "f"').replace("database_url =", "data =")
    assert Draft202012Validator(schema()).is_valid(tomllib.loads(files))


def test_the_page_of_all_settings_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == reference.page(), "run `make docs`"


def test_every_setting_has_a_meaning() -> None:
    rows = [line.strip("| ").split(" | ") for line in reference.page().splitlines() if line.startswith("| `")]
    assert len(rows) > 40
    assert [row for row in rows if len(row) != len(reference.COLUMNS)] == []


def written(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text("utf-8"))
