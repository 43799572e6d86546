"""French text to stems."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from chains.analyser import stems


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("déclarations", "déclaration"),
        ("CARTE GRISE", "carte grise"),
        ("l’adresse", "l'adresse"),
        ("allocation\u00a0familiale", "allocation familiale"),
        ("familia\u00adles", "familiales"),
        ("congé\u200bs", "congés"),
        ("cœur", "coeur"),
        ("de\u0301menagement", "démenagement"),
        ("prime\u202f: activité", "prime activité"),
    ],
)
def test_two_writings_of_one_text_have_the_same_stems(one: str, other: str) -> None:
    assert stems(one) == stems(other) != []


def test_accents_are_read_by_the_stemmer_before_they_are_folded() -> None:
    assert stems("retraité") == stems("retraites") == ["retrait"]


def test_stems_keep_their_order_and_repeats() -> None:
    assert stems("permis voiture permis") == ["perm", "voitur", "perm"]


def test_the_politeness_of_a_mail_leaves_no_stem() -> None:
    assert stems("Bonjour Madame, je souhaiterais savoir s'il vous plaît. Merci, cordialement") == ["plait"]


def test_words_of_one_letter_are_left_out_and_numbers_kept() -> None:
    assert stems("le formulaire n° 13750 à l'article 3 b") == ["formulair", "13750", "articl"]


def test_threads_do_not_share_a_stemmer() -> None:
    words = [f"déclarations{number}" for number in range(2000)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: stems(" ".join(words)), range(8)))
    assert all(result == results[0] for result in results)
