"""What sheets say of each other."""

from __future__ import annotations

from dataclasses import replace

from defusedxml.ElementTree import fromstring

from chains.corpora.mentions import Sheet, links, with_mentions
from tests.chains.index_doubles import document


def sheet(id: str, title: str, *links: tuple[str, str], audience: str = "particuliers", summary: str = "") -> Sheet:
    made = replace(document(f"sp:{audience}/{id}", title, "Un texte."), audience=audience)
    return Sheet(made, summary, links)


def mentions(*sheets: Sheet) -> dict[str, list[str]]:
    return {one.id: list(filter(None, one.mentions.split("\n"))) for one in with_mentions(list(sheets))}


def test_the_links_of_a_sheet_are_those_of_its_text_and_of_its_questions_but_not_of_a_menu() -> None:
    root = fromstring(
        """<Publication ID="F1"><Texte><Paragraphe>Voir la <LienInterne LienPublication="F2">carte
        <MiseEnEvidence>grise</MiseEnEvidence></LienInterne></Paragraphe></Texte>
        <QuestionReponse ID="F3">Que faire ?</QuestionReponse>
        <DossierPere><LienInterne LienPublication="F4">Un menu</LienInterne></DossierPere></Publication>"""
    )
    assert list(links(root)) == [("F2", "carte grise"), ("F3", "")]


def test_a_sheet_is_known_by_its_summary_the_links_to_it_and_the_titles_of_what_links_to_it() -> None:
    one = sheet("F1", "Immatriculation", summary="Le certificat d'immatriculation.")
    two = sheet("F2", "Vendre sa voiture", ("F1", "Carte grise"), ("F1", "carte grise"))
    assert mentions(one, two)["sp:particuliers/F1"] == [
        "Le certificat d'immatriculation.", "carte grise", "Vendre sa voiture",
    ]  # fmt: skip


def test_a_link_leads_to_the_sheet_for_the_same_audience_if_there_is_one() -> None:
    person, firm = sheet("F1", "Impôt"), sheet("F1", "Impôt", audience="professionnels")
    found = mentions(person, firm, sheet("F2", "Payer", ("F1", "l'impôt"), audience="professionnels"))
    assert (found["sp:particuliers/F1"], found["sp:professionnels/F1"]) == ([], ["l'impôt", "Payer"])
    found = mentions(person, sheet("F2", "Payer", ("F1", "l'impôt"), audience="professionnels"))
    assert found["sp:particuliers/F1"] == ["l'impôt", "Payer"]


def test_a_link_to_oneself_or_to_what_is_not_there_says_nothing() -> None:
    assert mentions(sheet("F1", "Impôt", ("F1", "ici"), ("F9", "là"))) == {"sp:particuliers/F1": []}


def test_a_change_of_what_others_say_is_a_change() -> None:
    before, after = (
        next(with_mentions([sheet("F1", "Impôt"), sheet("F2", "Payer", ("F1", text))])).digest for text in ("a", "b")
    )
    assert before != after
