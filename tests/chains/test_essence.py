"""What of a message reaches the search."""

from __future__ import annotations

import pytest

from chains.essence import essence, language, topic

QUESTION = "Comment refaire la carte grise d'un véhicule hérité ?"

FRAMES = {
    "a greeting": f"Bonjour Madame, Monsieur,\n{QUESTION}",
    "a greeting in the same line": f"bonjour {QUESTION}",
    "a mayor's title": f"Monsieur le Maire,\n\n{QUESTION}",
    "thanks": f"{QUESTION} Merci d'avance pour votre réponse.",
    "several formulas": f"{QUESTION}\nMerci beaucoup. Bonne journée. Cordialement",
    "a name after the formula": f"{QUESTION} Cordialement Mme Lucette Fictif",
    "a long formula": f"{QUESTION}\n\nJe vous prie d'agréer, Madame, Monsieur,\nl'expression de mes salutations.",
    "the wish of an answer": f"{QUESTION}\nDans l'attente de votre réponse, je vous remercie.",
    "a signature": f"{QUESTION}\n\nBien à vous,\nFictif\n12 bis rue des Tests\n99999 Testville\nTél. 01 99 00 12 34",
    "a signature of the mail program": f"{QUESTION}\n-- \nLucette Fictif\nAmicale des Tests",
    "a telephone": f"{QUESTION}\nEnvoyé de mon iPhone",
    "another telephone": f"{QUESTION}\nSent from my Galaxy",
    "a disclaimer": f"{QUESTION}\n\nCordialement\nL. Fictif\n\nCe message et ses pièces jointes peuvent contenir"
    " des informations confidentielles. Si vous avez reçu ce message par erreur, merci de le détruire sans le lire.",
    "a quoted mail": f"{QUESTION}\n\n> Bonjour, votre demande a été reçue.\n> Le service",
    "an announced quotation": f"{QUESTION}\n\nLe 3 sept. 2026 à 10:12, Mairie <a@b.test> a écrit :\n> Bonjour\n\nvu",
    "a thread": f"{QUESTION}\n\n-----Message d'origine-----\nDe : Mairie\nEnvoyé : lundi\n\nVotre permis est prêt.",
    "a form": f"Nom : Fictif\nPrénom : Lucette\nE-mail : l@exemple.test\nTél. : 01 99 00 12 34\nMessage : {QUESTION}",
    "contact data": f"{QUESTION}\nTél. 06 39 98 12 34\nl.fictif@exemple.test\nhttps://exemple.test/x",
}


@pytest.mark.parametrize("text", FRAMES.values(), ids=FRAMES.keys())
def test_what_surrounds_a_question_is_left_out(text: str) -> None:
    assert essence(text) == QUESTION


def test_addresses_and_numbers_are_left_out_where_the_rest_of_the_line_stays() -> None:
    text = essence(
        f"{QUESTION} Rappelez le 06 39 98 12 34 ou l@exemple.test, compte FR76 3000 6000 0112 3456 7890 189."
    )
    assert text.startswith(QUESTION)
    assert not any(part in text for part in ("06", "98", "exemple", "FR76", "7890"))


@pytest.mark.parametrize(
    "text",
    [
        "Merci de me dire comment renouveler mon passeport",
        "Veuillez m'indiquer les démarches pour un permis de construire",
        "Je vous remercie de m'expliquer le calcul des indemnités de licenciement",
        "Dans l'attente de mon titre de séjour, ai-je le droit de travailler",
        "Monsieur Fictif, mon bailleur, garde le dépôt de garantie",
        "Le maire peut refuser 10000 euros de subvention pour 3 ans",
        "Je paie 14000 euros de frais de notaire",
        "J'habite 12 rue des Tests et je veux repeindre la façade de ma maison en bleu",
        "L'adresse : que faut-il changer sur la carte grise",
    ],
)
def test_a_request_that_begins_like_a_formula_stays(text: str) -> None:
    assert essence(text).split()[-3:] == text.split()[-3:]
    assert len(essence(text)) > len(text) - 12


def test_what_is_asked_below_the_signature_stays() -> None:
    assert "RSA" in essence(f"{QUESTION}\nCordialement\nLucette\nPS : et le RSA ?")


def test_where_the_message_only_points_at_a_forwarded_one_that_is_read() -> None:
    text = f"Bonjour, voir ci-dessous\n\n----- Message transféré -----\nDe : Lucette\n\n{QUESTION}\nMerci"
    assert QUESTION in essence(text)
    assert "Lucette" not in essence(text)


@pytest.mark.parametrize("text", ["Bonjour", "Cordialement", "01 99 00 12 34", "?"])
def test_where_nothing_would_remain_all_stays(text: str) -> None:
    assert essence(text) == text


@pytest.mark.timeout(30)
@pytest.mark.parametrize("thanks", ["merci" + " bien" * 40, "merci " * 1300, "merci" + " de votre aide" * 500])
def test_thanks_without_end_are_read_like_others(thanks: str) -> None:
    """The first of them once took hours; `tests/test_growth.py` tries what else there is."""
    assert essence(f"Bonjour, je demande un acte.\n{thanks}? x\n").startswith("je demande un acte.")
    assert essence(f"{QUESTION}\n{thanks}") == QUESTION


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (
            "Nom : Fictif\nPrénom : John\nVille : Lyon\nMessage : I have lost my residence card, what should I do?",
            "en",
        ),
        ("I have lost my residence card, what should I do?\n\nCordialement,\nEnvoyé de mon téléphone", "en"),
        ("Hello,\nma carte de séjour est perdue, que dois-je faire ?\nKind regards", "fr"),
        ("He perdido mi carte de séjour, ¿qué trámites debo hacer?", "es"),
        ("Lost card", "fr"),
    ],
)
def test_the_language_of_the_body_decides(text: str, code: str) -> None:
    assert language(text) == code


@pytest.mark.parametrize(
    "title",
    [
        "Demande",
        "Re: votre message",
        "RE : TR: Formulaire de contact",
        "[Ticket#2026-00017] Demande d'information",
        "(sans objet)",
        "2 questions",
        "URGENT !!!",
        "Nouveau message via le formulaire de contact",
        "carte grise d'un véhicule hérité",
    ],
)
def test_a_title_that_says_nothing_more_is_left_out(title: str) -> None:
    assert topic(title, QUESTION) == ""


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("Re: [Ticket#17] Succession de mon père", "Succession de mon père"),
        ("Demande de passeport", "Demande de passeport"),
        ("فقدت رخصة السياقة", "فقدت رخصة السياقة"),
    ],
)
def test_a_title_with_a_subject_stays(title: str, said: str) -> None:
    assert topic(title, QUESTION) == said
