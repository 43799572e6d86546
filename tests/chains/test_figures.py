"""What counts as the same fact, and that nothing escapes."""

from __future__ import annotations

import pytest

from chains.figures import figures, unproved

SAME = [
    ("15 jours", "quinze jours"),
    ("15 jours", "une quinzaine de jours"),
    ("1 000 €", "1000 euros"),
    ("1\u00a0000\u00a0€", "1\u202f000 euros"),
    ("1.000 €", "mille euros"),
    ("1 500,50 €", "1500,5 euros"),
    ("12,50 €", "12.50 €"),
    ("1,5 million d'euros", "1 500 000 €"),
    ("quatre-vingt-dix-sept euros", "97 €"),
    ("deux cents euros", "200 €"),
    ("vingt et un ans", "21 ans"),
    ("15 %", "15 pour cent"),
    ("15\u202f%", "quinze pour cent"),
    ("le 1er mars 2026", "le 01/03/2026"),
    ("le 1er mars 2026", "2026-03-01"),
    ("le 1er mars 2026", "le premier mars 2026"),
    ("le 1er février", "le 1er fevrier"),
    ("du 1er au 15 mars", "le 1er mars et le 15 mars"),
    ("entre 2 et 3 mois", "2 mois ou 3 mois"),
    ("3e enfant", "3ème enfant"),
    ("2e", "deuxième"),
    ("9 h 30", "9h30"),
    ("9 h", "9 heures"),
    ("01 23 45 67 89", "01.23.45.67.89"),
    ("+33 1 23 45 67 89", "0123456789"),
    ("39 39", "3939"),
    ("article L. 114-5", "article L114-5"),
    ("10 jours ouvrables", "dix jours ouvrables"),
    ("tous les lundis", "le lundi"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_fact_written_otherwise_is_proved(one: str, other: str) -> None:
    assert unproved(one, [other]) == ()
    assert unproved(other, [one]) == ()


@pytest.mark.parametrize(
    ("claim", "source", "doubtful"),
    [
        ("sous 15 mois", "sous 15 jours", ("15 mois",)),
        ("sous 15 jours", "sous 15 jours ouvrables", ("15 jours",)),
        ("sous un mois", "sous un an", ("un mois",)),
        ("coûte 1 000 €", "coûte 100 €", ("1 000 €",)),
        ("coûte 86 €", "coûte 86 %", ("86 €",)),
        ("le 1er mars 2027", "le 1er mars 2026", ("1er mars 2027",)),
        ("le 2 mars", "le 1er mars", ("2 mars",)),
        ("le 1er mars 2026", "le 1er mars", ("1er mars 2026",)),
        ("en avril", "en mars 2026", ("avril",)),
        ("avant 2027", "avant 2026", ("2027",)),
        ("au 01 23 45 67 80", "au 01 23 45 67 89", ("01 23 45 67 80",)),
        ("cerfa 12669*03", "cerfa 12669*02", ("12669*03",)),
        ("article L. 114-6", "article L. 114-5", ("L. 114-6",)),
        ("article 15", "sous 15 jours", ("article 15",)),
        ("à 9 h 30", "à 9 h", ("9 h 30",)),
        ("2 témoins", "sous 2 mois", ("2",)),
        ("quinze jours", "sans délai", ("quinze jours",)),
        ("le formulaire S3704", "le formulaire S3705", ("S3704",)),
        ("le mardi", "le lundi", ("mardi",)),
        ("le 2e enfant", "2 enfants", ("2e",)),
    ],
)
def test_another_fact_is_not_proved(claim: str, source: str, doubtful: tuple[str, ...]) -> None:
    assert unproved(claim, [source]) == doubtful


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("en mars", "le 1er mars 2026"),
        ("en mars 2026", "le 01/03/2026"),
        ("en 2026", "le 1er mars 2026"),
        ("le formulaire 12669", "le formulaire cerfa n° 12669*02"),
        ("un justificatif et une photo", "des pièces"),
        ("un véhicule neuf", "des véhicules"),
        ("une première demande", "la demande"),
    ],
)
def test_a_claim_may_be_less_exact_than_its_source(claim: str, source: str) -> None:
    assert unproved(claim, [source]) == ()


def test_a_fact_may_come_from_any_of_the_sources() -> None:
    assert unproved("15 jours et 86 €", ["86 €", "15 jours"]) == ()


def test_lines_of_a_table_are_not_one_number() -> None:
    assert unproved("15 300 €", ["15\n300 €"]) == ("15 300 €",)


@pytest.mark.parametrize(
    "text", ["x12y34", "1/2/3/4", "12.5.7,8", "n°5bis", "0x1F", "3-4-5 6", "99999999999999", "1er2e"]
)
def test_every_digit_is_in_a_fact(text: str) -> None:
    covered = {place for figure in figures(text) for place in range(figure.start, figure.end)}
    assert {place for place, letter in enumerate(text) if letter.isdigit()} <= covered


def test_what_is_doubtful_is_quoted_word_for_word() -> None:
    text = "Le droit est de 1\u202f234,50\u00a0€ depuis le 1er\u00a0mai."
    assert all(run in text for run in unproved(text, []))
    assert len(unproved(text, [])) == 2


def test_a_long_text_of_digits_is_read_in_linear_time() -> None:
    assert len(figures("1 " * 5000 + "deux " * 2000)) > 0


@pytest.mark.parametrize(
    ("claim", "source", "runs"),
    [
        ("Elle est de 150 € par mois.", "Elle est de 150 € par an.", ("par mois",)),
        ("Elle est de 150 €/mois.", "Elle est de 150 € par mois.", ()),
        ("Comptez une demi-année.", "Comptez 6 mois.", ("demi",)),
        ("La moitié est rendue.", "Un tiers est rendu.", ("moitié",)),
        ("La moitié est rendue.", "Le bailleur rend la moitié.", ()),
    ],
)
def test_a_share_and_a_period_are_figures_too(claim: str, source: str, runs: tuple[str, ...]) -> None:
    assert unproved(claim, [source]) == runs
