"""What a model has no business to write is gone, and the rest is untouched."""

from __future__ import annotations

import pytest

from chains.cleaning import clean


@pytest.mark.parametrize(
    "address",
    [
        "https://exemple.fr/a?b=c#d",
        "http://evil.example",
        "hxxp://evil.com",
        "www.exemple.fr",
        "exemple.fr",
        "SERVICE-PUBLIC.FR",
        "connexion.service-public.fr.evil.zip/login",
        "prenom.nom@exemple.fr",
        "mailto:a@b.fr",
        "javascript:alert(1)",
        "tel:0899000000",
        "10.0.0.1:8080/x",
        "bücher.example",
        "t.co/abc",
        "x.com",
        "PAIEMENT.SHOP/x",
        "evil。com",
        "paiement .example",
    ],
)
def test_an_address_is_taken_out(address: str) -> None:
    text, had_link = clean(f"Écrivez à {address} aujourd'hui.")
    assert text == "Écrivez à aujourd'hui."
    assert had_link


def test_a_markdown_link_leaves_its_words() -> None:
    assert clean("Remplissez [le formulaire](https://exemple.fr).") == ("Remplissez le formulaire.", True)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("Le délai est de **deux mois** [1][2, 3].", "Le délai est de deux mois."),
        ("Le délai est de deux mois (extrait 2).", "Le délai est de deux mois."),
        ("- Déposez la demande.", "Déposez la demande."),
        ("2. Déposez la demande.", "Déposez la demande."),
        ("## `Déposez` _la_ demande.", "Déposez la demande."),
        ("Déposez <b>la</b> demande.<br/>", "Déposez la demande."),
        ("Déposez &lt;img src=x onerror=alert(1)&gt; la demande.", "Déposez la demande."),
        ("<script>alert(1)</script>Déposez.", "Déposez."),
        ("<SCRIPT >alert(1)", "alert(1)"),
        ("Déposez <img src=x onerror=alert(1)", "Déposez img src=x onerror=alert(1)"),
        ("Dé\u200bpo\u00adsez\u202e la\x00 demande.\r\n", "Déposez la demande."),
        ("Il faut ⑮ jours.", "Il faut 15 jours."),
    ],
)
def test_markup_and_invisible_characters_are_taken_out(written: str, text: str) -> None:
    assert clean(written) == (text, False)


@pytest.mark.parametrize(
    "text",
    [
        "Le revenu est < 1\u202f000,50 € et la surface de 15 m².",
        "Le cerfa n° 12669*02 et l'article L. 114-5 du 01.03.2026.",
        "Rendez-vous en mairie : c'est gratuit\u00a0!",
        "Le délai est d'un jour.Vous serez prévenu.",
        "Appelez le 39 39 (appel gratuit) de 9 h 30 à 17 h.",
        "M. Dupont, S.A.R.L., p.ex. le n° 1.000.",
    ],
)
def test_ordinary_french_is_left_alone(text: str) -> None:
    assert clean(text) == (text, False)
