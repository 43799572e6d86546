from __future__ import annotations

from pathlib import Path

import pytest

from connector.errors import ConfigurationError
from connector.ticket import Mode
from webhooks.config.drafting import MENTION
from webhooks.settings import Settings, load

TOML = """
database_url = "postgresql://greffier:secret@db/greffier"

[helpdesks.mairie]
kind = "zammad"
url = "https://support.example/"
token = "t"
webhook_secret = "s"
groups = { "État civil" = "draft", "Urbanisme" = "off" }

[helpdesks.prefecture]
kind = "zammad"
url = "https://other.example"
token = "t2"
webhook_secret = "s2"

[chat]
base_url = "http://gpu.example/v1"
model = "mistral"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "greffier.toml"
    path.write_text(TOML, "utf-8")
    return path


def complaint(file: Path, **variables: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(file, variables)
    return str(caught.value)


def with_line(file: Path, section: str, line: str) -> Path:
    file.write_text(TOML.replace(f"[{section}]\n", f"[{section}]\n{line}\n"), "utf-8")
    return file


def test_two_helpdesks_of_one_kind_are_told_apart_by_their_names(file: Path) -> None:
    assert set(load(file, {}).helpdesks) == {"mairie", "prefecture"}


def test_a_group_that_is_not_listed_is_not_covered(file: Path) -> None:
    mairie, prefecture = load(file, {}).helpdesks.values()
    assert (mairie.mode("État civil"), mairie.mode("Urbanisme"), mairie.mode("Voirie")) == (Mode.DRAFT, Mode.OFF, None)
    assert prefecture.groups == {}


def test_the_environment_overrides_the_file(file: Path) -> None:
    settings = load(file, {"GREFFIER_CHAT__MODEL": "qwen", "GREFFIER_WEB__PORT": "9000"})
    assert (settings.chat.model, settings.web.port) == ("qwen", 9000)


def test_tables_are_written_in_the_environment_as_json(file: Path) -> None:
    settings = load(file, {"GREFFIER_HELPDESKS__PREFECTURE__GROUPS": '{"Étrangers": "draft"}'})
    assert settings.helpdesks["prefecture"].groups == {"Étrangers": Mode.DRAFT}


def test_a_program_can_be_configured_by_the_environment_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = {"DATABASE_URL": "postgresql://db", "CHAT__BASE_URL": "http://gpu/v1", "CHAT__MODEL": "m"}
    assert isinstance(load(None, {f"GREFFIER_{name}": value for name, value in names.items()}), Settings)


def test_the_file_may_be_named_by_the_environment(file: Path) -> None:
    assert load(None, {"GREFFIER_CONFIG": str(file)}).chat.model == "mistral"


def test_a_secret_may_come_from_a_file(file: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from a file\n")
    settings = load(file, {"GREFFIER_CHAT__API_KEY_FILE": str(tmp_path / "key")})
    assert settings.chat.api_key is not None
    assert settings.chat.api_key.get_secret_value() == "from a file"


def test_a_secret_from_a_file_in_the_environment_replaces_the_one_in_the_toml(file: Path, tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://elsewhere")
    settings = load(file, {"GREFFIER_DATABASE_URL_FILE": str(tmp_path / "url")})
    assert settings.database_url.get_secret_value() == "postgresql://elsewhere"


def test_a_secret_given_twice_in_one_place_is_refused(file: Path) -> None:
    assert "give api_key or api_key_file, not both" in complaint(
        with_line(file, "chat", 'api_key = "a"\napi_key_file = "b"')
    )


def test_a_missing_secret_file_is_named(file: Path) -> None:
    assert "cannot read /nowhere" in complaint(file, GREFFIER_CHAT__API_KEY_FILE="/nowhere")


def test_an_unknown_key_is_named_with_its_file_and_what_is_known(file: Path) -> None:
    text = complaint(with_line(file, "chat", 'modle = "x"'))
    assert text.startswith(f"{file}: chat.modle: unknown setting; known here: base_url, model, api_key, api_key_file")


def test_an_unknown_key_of_a_helpdesk_is_named_in_full(file: Path) -> None:
    assert f"{file}: helpdesks.mairie.colour: unknown setting" in complaint(
        with_line(file, "helpdesks.mairie", 'colour = "x"')
    )


def test_a_misspelt_variable_stops_the_program(file: Path) -> None:
    assert complaint(file, GREFFIER_CHATT__MODEL="x").startswith("GREFFIER_CHATT__MODEL: chatt: unknown setting")


def test_a_wrong_value_is_named_with_what_is_allowed(file: Path) -> None:
    wrong = TOML.replace('"État civil" = "draft"', '"État civil" = "brouillon"')
    file.write_text(wrong, "utf-8")
    assert f"{file}: helpdesks.mairie.groups.État civil: Input should be 'draft' or 'off'" in complaint(file)


def test_an_unknown_kind_is_answered_with_the_known_ones(file: Path) -> None:
    file.write_text(TOML.replace('kind = "zammad"', 'kind = "otrs"'), "utf-8")
    assert "helpdesks.mairie.kind: 'otrs' is not one of: zammad" in complaint(file)


def test_every_wrong_setting_is_told_at_once(file: Path) -> None:
    text = complaint(file, GREFFIER_WEB__PORT="many", GREFFIER_CHAT__TIMEOUT="-1")
    assert [line.split(":")[0] for line in text.splitlines()] == ["GREFFIER_CHAT__TIMEOUT", "GREFFIER_WEB__PORT"]


@pytest.mark.parametrize("name", ["Mairie", "ma-mairie", "1mairie", "ma_mairie"])
def test_a_helpdesk_name_that_is_no_part_of_an_address_is_refused(file: Path, name: str) -> None:
    file.write_text(TOML.replace("helpdesks.mairie", f"helpdesks.{name}"), "utf-8")
    assert "lower-case letters and digits" in complaint(file)


def test_a_file_that_is_not_toml_is_refused_by_its_name(file: Path) -> None:
    file.write_text("= nothing", "utf-8")
    assert complaint(file).startswith(f"{file}: not a TOML file")


def test_a_file_that_was_named_and_is_missing_is_an_error(tmp_path: Path) -> None:
    assert "cannot be read" in complaint(tmp_path / "none.toml")


def test_another_database_is_refused_without_showing_its_password(file: Path) -> None:
    text = complaint(file, GREFFIER_DATABASE_URL="mysql://user:hunter2@db")
    assert "postgresql://" in text
    assert "hunter2" not in text


def test_a_password_that_breaks_the_address_is_not_shown(file: Path) -> None:
    text = complaint(file, GREFFIER_DATABASE_URL="postgresql://u:hun%zzter2@db/greffier")
    assert "GREFFIER_DATABASE_URL: database_url: not a valid address" in text
    assert "zzter" not in text


def test_a_value_where_a_section_is_wanted_is_refused(file: Path) -> None:
    assert "GREFFIER_CHAT: chat: Input should be" in complaint(file, GREFFIER_CHAT="x", GREFFIER_CHAT__MODEL="y")


@pytest.mark.parametrize("value", ["3", "[1]"])
def test_a_secret_file_that_is_no_path_is_refused(file: Path, value: str) -> None:
    assert "api_key_file" in complaint(with_line(file, "chat", f"api_key_file = {value}"))


@pytest.mark.parametrize("url", ["http://user:hunter2@gpu/v1", "http://gpu/v1?key=hunter2"])
def test_an_address_holds_no_secret(file: Path, url: str) -> None:
    text = complaint(file, GREFFIER_CHAT__BASE_URL=url)
    assert "keys have settings of their own" in text
    assert "hunter2" not in text


def test_json_nested_too_deeply_is_refused(file: Path) -> None:
    assert "GROUPS" in complaint(file, GREFFIER_HELPDESKS__MAIRIE__GROUPS="[" * 9000)


def test_a_kind_that_is_no_word_is_refused(file: Path) -> None:
    assert "is not one of: zammad" in complaint(file, GREFFIER_HELPDESKS__MAIRIE__KIND="[1]")


def test_secrets_do_not_show_when_settings_are_printed(file: Path) -> None:
    assert "secret@db" not in repr(load(file, {}))


def test_the_mention_is_the_official_one_and_may_be_empty(file: Path) -> None:
    assert load(file, {}).reply.mention == MENTION
    assert load(file, {"GREFFIER_REPLY__MENTION": ""}).reply.mention == ""


def test_a_database_of_our_own_has_the_address_of_its_folder(file: Path) -> None:
    file.write_text(TOML.replace("database_url =", "# "), "utf-8")
    settings = load(file, {"GREFFIER_DATA": "/var/lib/greffier"})
    assert settings.data == Path("/var/lib/greffier")
    assert settings.database_url.get_secret_value() == (
        "postgresql://postgres@/greffier?host=%2Fvar%2Flib%2Fgreffier%2Fpostgres"
    )


def test_a_database_of_our_own_beside_another_is_refused_in_one_place_and_gives_way_to_a_variable(file: Path) -> None:
    file.write_text(f'data = "/var/lib/greffier"\n{TOML}', "utf-8")
    assert complaint(file) == f"{file}: give database_url or data, not both"
    settings = load(file, {"GREFFIER_DATABASE_URL": "postgresql://elsewhere"})
    assert (settings.data, settings.database_url.get_secret_value()) == (None, "postgresql://elsewhere")


@pytest.mark.parametrize("folder", ["/" + "long/" * 20, "/a,b"])
def test_a_folder_whose_socket_could_not_be_reached_is_refused(file: Path, folder: str) -> None:
    assert complaint(file, GREFFIER_DATA=folder).startswith("GREFFIER_DATA: data: /")


@pytest.mark.parametrize("name", ["webhook_secret", "previous_webhook_secret"])
def test_a_webhook_secret_that_zammad_could_not_hold_is_refused_by_name(file: Path, name: str) -> None:
    said = complaint(file, **{f"GREFFIER_HELPDESKS__MAIRIE__{name.upper()}": "s" * 201})
    assert name.upper() in said
    assert "at most 200 characters, not 201" in said


def test_a_list_that_is_given_as_a_word_is_answered_with_an_example(file: Path) -> None:
    said = complaint(file, GREFFIER_HELPDESKS__MAIRIE__CHANNELS="email")
    assert said.endswith('helpdesks.mairie.channels: a list is wanted, such as ["email", "web"]')


@pytest.mark.parametrize("url", ["support.example", "ftp://support.example", ""])
def test_an_address_without_its_scheme_is_answered_with_those_there_are(file: Path, url: str) -> None:
    said = complaint(file, GREFFIER_HELPDESKS__MAIRIE__URL=url)
    assert said.endswith("helpdesks.mairie.url: an address that begins with https:// or http:// is wanted")


def with_source(file: Path, *lines: str, name: str = "fiches") -> Path:
    file.write_text("\n".join([TOML, f"[sources.{name}]", *lines, ""]), "utf-8")
    return file


def test_sources_have_names_and_kinds(file: Path) -> None:
    (name, source), *_ = load(
        with_source(file, 'kind = "files"', 'path = "/srv/fiches"', name="fiches-2"), {}
    ).sources.items()
    assert (name, source.kind, source.path, source.organisation) == ("fiches-2", "files", Path("/srv/fiches"), "")
    assert load(file, {"GREFFIER_SOURCES": '{"base": {"kind": "knowledge", "helpdesk": "mairie"}}'}).sources.keys() == {
        "base"
    }


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (['kind = "files"'], "sources.fiches: path is missing: the file or folder of files"),
        (['kind = "pdf"', 'path = "/srv"'], "sources.fiches.kind: Input should be 'service-public', 'travail'"),
        (['kind = "knowledge"', 'path = "/srv"'], "path is not for knowledge"),
        (['kind = "knowledge"'], "sources.fiches.helpdesk: say which one; configured: mairie, prefecture"),
        (['kind = "knowledge"', 'helpdesk = "mairy"'], "sources.fiches.helpdesk: no helpdesk is named mairy"),
        (['kind = "files"', 'path = "/srv"', "internal = true"], 'helpdesk and internal are for kind = "knowledge"'),
        (['kind = "travail"', 'path = "/srv"', 'base_url = "http://x"'], 'base_url is for kind = "files" alone'),
        (
            ['kind = "files"', 'path = "/srv"', "colour = 1"],
            "sources.fiches.colour: unknown setting; known here: kind,",
        ),
    ],
)
def test_a_source_that_does_not_fit_its_kind_is_refused(file: Path, lines: list[str], told: str) -> None:
    assert told in complaint(with_source(file, *lines))


def test_the_name_of_a_source_is_a_plain_word(file: Path) -> None:
    told = complaint(with_source(file, 'kind = "files"', 'path = "/srv"', name="Fiches"))
    assert "sources.Fiches: a source's name is made of lower-case letters, digits and dashes" in told


def test_names_of_organisations_and_audiences_lose_the_spaces_around_them(file: Path) -> None:
    with_source(file, 'kind = "files"', 'path = "/srv"', 'organisation = "lyon "', 'audience = " agents"')
    with file.open("a", encoding="utf-8") as config:
        config.write('[[profile]]\nhelpdesk = "mairie"\norganisation = " lyon"\n')
        config.write('corpora = ["fiches "]\naudience = ["agents "]\n')
    given = load(file, {})
    assert (given.sources["fiches"].organisation, given.sources["fiches"].audience) == ("lyon", "agents")
    (profile,) = given.profile
    assert (profile.organisation, profile.corpora, profile.audience) == ("lyon", {"fiches"}, {"agents"})


@pytest.mark.parametrize("line", ['organisation = "*"', 'organisation = "  "', 'audience = " * "'])
def test_what_stands_for_everybody_is_no_name_of_an_organisation_or_an_audience(file: Path, line: str) -> None:
    assert "a name is wanted" in complaint(with_source(file, 'kind = "files"', 'path = "/srv"', line))


@pytest.mark.parametrize("line", ['organisation = "*"', 'corpora = [""]', 'audience = ["*"]', 'audience = [" "]'])
def test_a_profile_names_what_it_finds(file: Path, line: str) -> None:
    file.write_text(f"{TOML}\n[[profile]]\nhelpdesk = 'mairie'\n{line}\n", "utf-8")
    assert f"profile.1.{line.partition(' ')[0]}" in complaint(file)
