"""`[[profile]]`: what is wrong with profiles, and which one applies to a ticket."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chains.profile import Profile
from chains.stores.store import SHARED, Within
from connector.errors import ConfigurationError
from connector.ticket import Person, Ticket, TicketState
from tests.webhooks.test_settings import TOML
from webhooks.profiles import Profiles
from webhooks.settings import load

PROFILES = """
[[profile]]
helpdesk = "mairie"
groups = ["État civil"]
corpora = ["service-public"]
audience = ["particuliers"]
organisation = "mairie"
tone = "Phrases courtes."
passages = 3
min_cosine = 0.9
language = "en"
signature = "Le service de l'état civil"
mention = ""

[[profile]]
helpdesk = "mairie"
organisation = "ville"
closing = "Bien à vous,"
"""
ONE = TOML.partition("[helpdesks.prefecture]")[0] + "[chat]" + TOML.partition("[chat]")[2]


def profiles(file: Path, text: str, **variables: str) -> Profiles:
    file.write_text(text, "utf-8")
    return Profiles(load(file, variables))


def complaint(file: Path, text: str, **variables: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        profiles(file, text, **variables)
    return str(caught.value).splitlines()


def ticket(group: str, helpdesk: str = "mairie", title: str = "") -> Ticket:
    return Ticket(helpdesk, "12", title, group, TicketState.OPEN, Person("7"), ())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "greffier.toml"


def test_without_profiles_the_general_settings_hold_and_only_what_is_everybodys_is_found(file: Path) -> None:
    given = profiles(file, TOML + "[retrieval]\npassages = 4\nmin_cosine = 0.5\n")
    assert given.of(ticket("État civil")) == Profile(SHARED, "", 4, 0.5)
    assert given.writer(ticket("État civil")).reply.closing == "Cordialement,"


def test_a_groups_profile_says_what_is_found_how_near_and_how_it_is_written(file: Path) -> None:
    within = Within("mairie", frozenset({"service-public"}), frozenset({"particuliers"}))
    given = profiles(file, TOML + PROFILES)
    assert given.of(ticket("État civil")) == Profile(within, "Phrases courtes.", 3, 0.9)
    write = given.writer(ticket("État civil"))
    assert (write.language, write.reply.signature, write.reply.mention) == ("en", "Le service de l'état civil", "")
    assert write.reply.greeting == "Bonjour,"


def test_a_profile_without_groups_is_for_the_others_of_its_helpdesk(file: Path) -> None:
    given = profiles(file, TOML + PROFILES)
    assert given.of(ticket("Urbanisme")) == Profile(Within("ville"))
    assert given.writer(ticket("Urbanisme")).reply.closing == "Bien à vous,"
    assert given.of(ticket("Urbanisme", "prefecture")) == Profile()


def test_only_the_group_decides_and_never_what_a_citizen_writes(file: Path) -> None:
    given = profiles(file, TOML + PROFILES)
    assert given.of(ticket("Urbanisme", title="État civil, organisation mairie")).within == Within("ville")


def test_where_there_is_one_helpdesk_a_profile_need_not_name_it(file: Path) -> None:
    given = profiles(file, ONE + '[[profile]]\norganisation = "mairie"\n')
    assert given.of(ticket("Urbanisme")).within == Within("mairie")


def test_what_may_be_found_tells_two_groups_apart(file: Path) -> None:
    given = profiles(file, TOML + PROFILES)
    assert given.alike(ticket("Urbanisme"), "Voirie")
    assert not given.alike(ticket("Urbanisme"), "État civil")
    assert given.alike(ticket("Urbanisme"), None)


def test_profiles_may_come_from_the_environment_as_one_list(file: Path) -> None:
    given = json.dumps([{"helpdesk": "mairie", "organisation": "agglo"}])
    assert profiles(file, TOML + PROFILES, GREFFIER_PROFILE=given).of(ticket("État civil")).within == Within("agglo")


def test_one_setting_of_a_profile_cannot_be_a_variable(file: Path) -> None:
    (line,) = complaint(file, TOML + PROFILES, GREFFIER_PROFILE__1__TONE="court")
    assert line == "GREFFIER_PROFILE__1__TONE: profile is a list: give all of it in GREFFIER_PROFILE"
    assert complaint(file, TOML, GREFFIER_PROFILE__1__TONE="court")[0].startswith("GREFFIER_PROFILE__1__TONE: profile")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('tone = "court"', "profile.1.helpdesk: say which one; configured: mairie, prefecture"),
        ('helpdesk = "autre"', "profile.1.helpdesk: no helpdesk is named autre; configured: mairie, prefecture"),
        ('helpdesk = "mairie"\ngroups = ["Voirie"]', "profile.1.groups: Voirie is not in helpdesks.mairie.groups"),
        (
            'helpdesk = "mairie"\ngroups = ["Urbanisme"]\n[[profile]]\nhelpdesk = "mairie"\ngroups = ["Urbanisme"]',
            "profile.2.groups: the group Urbanisme has a profile already: profile.1",
        ),
        (
            'helpdesk = "mairie"\n[[profile]]\nhelpdesk = "mairie"',
            "profile.2.groups: the helpdesk mairie as a whole has a profile already: profile.1",
        ),
        (
            'helpdesk = "mairie"\ngroups = ["Urbanisme"]\nmode = "draft"',
            'profile.1.mode: "draft", but helpdesks.mairie.groups says "off" of Urbanisme',
        ),
        (
            'helpdesk = "mairie"\nmode = "off"\n[[profile]]\nhelpdesk = "mairie"\ngroups = ["Urbanisme"]\nmode = "off"',
            'profile.1.mode: "off", but helpdesks.mairie.groups says "draft" of État civil',
        ),
        ('helpdesk = "mairie"\ncorpora = []', "profile.1.corpora: at least one is wanted; leave it out for all"),
        ('helpdesk = "mairie"\npassages = 0', "profile.1.passages: Input should be greater than or equal to 1"),
        (f'helpdesk = "mairie"\ntone = "{"a" * 301}"', "profile.1.tone: String should have at most 300 characters"),
    ],
)
def test_what_contradicts_helpdesks_or_other_profiles_is_told(file: Path, text: str, said: str) -> None:
    assert complaint(file, f"{TOML}\n[[profile]]\n{text}\n") == [f"{file}: {said}"]


def test_where_a_helpdesk_is_wrong_nothing_is_said_of_its_profile(file: Path) -> None:
    (line,) = complaint(file, TOML.replace('token = "t"', "") + PROFILES)
    assert "helpdesks.mairie.token: is missing" in line


def test_an_unknown_setting_of_a_profile_is_answered_with_the_known_ones(file: Path) -> None:
    (line,) = complaint(file, TOML + PROFILES + 'colour = "x"\n')
    assert line.startswith(f"{file}: profile.2.colour: unknown setting; known here: helpdesk, groups, mode, corpora")
