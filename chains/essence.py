"""What a message says, without what surrounds that. Pure: text in, text out.

Only a search reads what comes out: the model and the agent see the message as it was written. In doubt a line stays.

A citizen writes what the patterns read, and one that takes its time stops a whole process. So what is repeated is
possessive (`*+`) wherever it has nothing to give back, and only an end of limited length is looked at for a closing.
"""

from __future__ import annotations

import re

from chains.analyser import stems
from chains.language import FEWEST_LETTERS, language_of

FEW_STEMS = 3
"""Fewer words that count than that say too little to be searched for alone."""
POINTING_STEMS = 5
"""A message with fewer than that above a forwarded one only points at it: « voir ci-dessous »."""
MAX_READ = 8000
"""Characters of a message that are looked at: a search takes far fewer."""

_I = re.IGNORECASE
_TITLES = r"madame|monsieur|mesdames|messieurs|mesdemoiselles|mme|mr|m\."
_GREETING = re.compile(
    rf"""(?:[\s,.!;:-]*+\b(?:bonjours?|bonsoir|bjr|salut|slt|coucou|et|ou|[àa]\s+tous|ch[èe]re?s?
    |(?:{_TITLES})(?:\s+l[ea]\s+(?:maire|pr[ée]f[eè]te?|directeur|directrice|pr[ée]sidente?))?
    |hello|hi|dear|sirs?|or\s+madam|good\s+(?:morning|afternoon|evening)|buenos\s+d[íi]as|buenas\s+tardes|hola
    |bom\s+dia|boa\s+tarde|ol[áa]|guten\s+tag|sehr\s+geehrte\s+damen\s+und\s+herren)(?![\w'’-]))++[\s,.!;:-]*+""",
    _I | re.VERBOSE,
)
_REGARDS = (
    r"(?:(?:bien|tr[èe]s|sinc[èe]res?|meilleures)\s+)?(?:cordialement|respectueusement|sinc[èe]rement|salutations)"
    r"|cdl?t|bien\s+[àa]\s+vous|(?:best|kind|warm)\s+regards|yours\s+\w++|saludos|mit\s+freundlichen\s+gr\w++"
)
_ANSWER = r"(?:votre|vos|ta|ton|une|m.avoir|nous\s+avoir)\s+\w++"
_CALL = r"(?:bien\s+vouloir\s+)?(?:me|nous)\s+(?:r[ée]pondre|rappeler|(?:re)?contacter|tenir)"
_MUCH = rf"\s+(?:beaucoup|bcp|bien|infiniment|[àa]\s+vous|d.avance|par\s+avance|(?:de|pour)\s+(?:{_ANSWER}|{_CALL}))"
_THANKS = (
    rf"merci(?:{_MUCH}(?:(?!{_MUCH})[^?\n]){{0,60}}+)*+"
    rf"|(?:en\s+vous\s+remerciant|(?:je|nous)\s+vous\s+remerci\w++)"
    rf"(?:\s+(?:d.avance|par\s+avance|(?:de|pour)\s+{_ANSWER})[^?\n]{{0,60}}+)?"
    r"|(?:je\s+vous\s+prie|nous\s+vous\s+prions|veuillez)\b[^?\n]{0,40}(?:agr[ée]er|croire|recevoir|accepter)\b"
    r"[^?]{0,200}+"
    r"|dans\s+l.attente\s+(?:de\s+vous\s+lire|(?:de\s+|d.)(?:votre|vos|une)\s+(?:r[ée]ponse|retour))[^?\n]{0,60}+"
    r"|bonne\s+(?:journ[ée]e|soir[ée]e|r[ée]ception)|thanks?(?:\s+(?:you|a\s+lot|in\s+advance))*+|(?:muchas\s+)?gracias"
    r"|(?:muito\s+)?obrigad[oa]|vielen\s+dank"
)
_CLOSING = rf"(?:{_REGARDS})(?:\W++[^?\d]{{0,40}}+)?|(?:{_THANKS})\W*+"
_CLOSING_LINE = re.compile(rf"{_CLOSING}|--", _I)
_CLOSING_END = re.compile(rf"(?<=\S)\s+(?:{_CLOSING})$", _I)
_LONGEST_CLOSING = 400  # characters in which one at the end of a text begins
_STILL_ASKING = re.compile(r"\?|^\W*P\.?\s?S\b", _I)
_SIGNATURE_LINE, _SIGNATURE_LINES = 80, 8  # characters of a line of a signature, and how many lines it has at most

_THREAD = re.compile(
    r"[-_*=\s]{2,}+[^\n]{0,40}(?:d.origine|original|transf[ée]r[ée]|forwarded|initial)[^\n]{0,40}"
    r"|d[ée]but du message (?:transf[ée]r[ée]|r[ée]exp[ée]di[ée])\W*|(?:le|on)\s[^\n]{4,200}(?:a\s+[ée]crit|wrote)\s*:",
    _I,
)
_FIELDS = re.compile(
    r"(?:de|from|[àa]|to|cc|copie|envoy[ée]|sent|date|exp[ée]diteur|destinataire|r[ée]pondre [àa])\s?:\s.*"
    r"|(?:votre\s+|your\s+)?(?:noms?|pr[ée]noms?|noms?\s+et\s+pr[ée]noms?|nom\s+de\s+famille|civilit[ée]|e-?mail|courriel"
    r"|m[ée]l|adresse(?:\s+(?:e-?mail|mail|[ée]lectronique|postale))?|t[ée]l(?:[ée]phone|\.)?|portable|mobile|fax|ville"
    r"|code\s+postal|commune|pays|date\s+de\s+naissance|(?:first\s+|last\s+)?name|phone|address|siren|siret|rna|nir|iban"
    r"|rib|plaque|immatriculation|num[ée]ro\s+(?:de\s+)?(?:dossier|allocataire|client)|n°[^:]{0,30})\s?:.{0,120}",
    _I,
)
_LABEL = re.compile(
    r"(?:(?:votre|vos|your)\s+)?(?:message|question|demande|objet|sujet|subject|description|commentaire|texte)s?\s?:\s*",
    _I,
)
_BOILERPLATE = re.compile(
    r"(?:envoy[ée]\s+(?:de|depuis|[àa]\s+partir|par)|sent\s+from|(?:get|obtenez|obtenir|t[ée]l[ée]charger)\s+outlook"
    r"|garanti\s+sans\s+virus|l.absence\s+de\s+virus|virus-free)\b.*"
    r"|(?:ce|cet)\s+(?:message|courriel|e-?mail|mail)\b.{0,80}(?:confidentiel|destin[ée]|pi[èe]ces\s+jointes\s+p).*"
    r"|.{0,120}(?:re[çc]u\s+ce\s+(?:message|courriel|e-?mail|mail)\s+par\s+erreur"
    r"|received\s+this\s+(?:message|e-?mail)\s+in\s+error).*|.{0,60}(?:avant\s+d.imprimer|before\s+printing).*",
    _I,
)
_STREETS = (
    r"rue|avenue|av|boulevard|bd|all[ée]es?|chemin|impasse|place|route|quai|square|cours|r[ée]sidence|lotissement"
)
_CONTACT_LINE = re.compile(
    rf"\d{{1,4}}\s?(?:bis|ter|quater)?,?\s+(?:{_STREETS})\b[^?]{{0,80}}|(?:F-?)?\d{{5}}\s+(?-i:[A-ZÉÈ])[^?.]{{0,40}}",
    _I,
)
_CONTACT = re.compile(
    r"https?://\S+|www\.\S+|[\w.+-]{1,64}+@[\w-]++(?:\.[\w-]++)++"
    r"|(?-i:\b[A-Z]{2}\d{2}(?:\s?[\dA-Z]{4}){3,7}(?:\s?[\dA-Z]{1,4})?\b)"  # an account
    r"|(?:\b(?:t[ée]l(?:[ée]phone)?|portable|mobile)\s*+(?:[.:]\s*+)?)?(?<![\d,.])(?:\+33|0033|0)\s?[1-9](?:[\s.-]?\d{2}){4}\b"
    r"|\b\d(?:[\s.-]?\d){12,}\b",  # any other number of a person or a card
    _I,
)


def essence(text: str) -> str:
    """What a message says: without greeting, closing, signature, quoted mails, fields of a form, contact data.

    All of the text where nothing would remain.
    """
    lines = [line.strip() for line in text[:MAX_READ].splitlines()]
    above, below = _at_thread(lines)
    kept = _without_frame(above)
    if below and len(set(stems(kept))) < POINTING_STEMS:
        kept = f"{kept}\n{_without_frame(below)}".strip()
    return kept if any(map(str.isalnum, kept)) else text[:MAX_READ].strip()


def says_little(text: str) -> bool:
    """Whether a text has too few words that count to be searched for."""
    return len(set(stems(text))) < FEW_STEMS


def language(text: str) -> str:
    """The language that a message is written in, whatever the form or the mail around it."""
    said = essence(text)
    return language_of(said if sum(map(str.isalpha, said)) >= FEWEST_LETTERS else text)


def _at_thread(lines: list[str]) -> tuple[list[str], list[str]]:
    """The lines of the message itself, and those of older mails, without what announces and marks those."""
    at = next((number for number, line in enumerate(lines) if _THREAD.fullmatch(line)), len(lines))
    own = [line for line in lines[:at] if not line.startswith(">")]
    older = [line.lstrip("> ") for number, line in enumerate(lines) if number > at or line.startswith(">")]
    return own, [line for line in older if not _THREAD.fullmatch(line)]


def _without_frame(lines: list[str]) -> str:
    lines = [line for line in lines if not (_BOILERPLATE.fullmatch(line) or _FIELDS.fullmatch(line))]
    said = (_without_contact(line) for line in _without_signature(lines))
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(line for line in said if line is not None)).strip()
    greeting = _GREETING.match(text)
    return _without_closing(text[greeting.end() :] if greeting else text)


def _without_contact(line: str) -> str | None:
    """What a line says beside contact data; None if it says nothing."""
    label = _LABEL.match(line)
    line = line[label.end() :] if label else line
    said = " ".join(_CONTACT.sub(" ", line).split())
    return None if line and (_CONTACT_LINE.fullmatch(line) or not any(map(str.isalpha, said))) else said


def _without_signature(lines: list[str]) -> list[str]:
    """Without a closing line and the few short ones below it, unless they ask something more."""
    filled = [(number, line) for number, line in enumerate(lines) if line]
    for number, line in filled[1:][-_SIGNATURE_LINES - 1 :]:
        below = [other for at, other in filled if at > number]
        if _CLOSING_LINE.fullmatch(line) and not any(map(_speaks, below)):
            return lines[:number]
    return lines


def _speaks(line: str) -> bool:
    return len(line) > _SIGNATURE_LINE or _STILL_ASKING.search(line) is not None


def _without_closing(text: str) -> str:
    text = text.strip()
    while found := _CLOSING_END.search(text, max(0, len(text) - _LONGEST_CLOSING)):
        text = text[: found.start()].strip()
    return text


# --- titles

_PREFIX = re.compile(r"\s*(?:(?:re|r[ée]f?|fwd?|tr|aw|wg)\s?(?:\[\d+\])?\s?:|\[[^\]]{0,60}\]|#\d+)\s*", _I)
_GENERIC = frozenset(
    stems(
        "demande questions formulaire contact message nouveau mail courriel ticket sujet objet sans aucun urgent"
        " urgence site internet web usager client test dossier suivi problème précision complément divers besoin aider"
        " aidez via depuis général générale re fwd tr request new help subject no none form inquiry enquiry"
    )
)


def topic(title: str, text: str) -> str:
    """What a ticket's title adds to its text; empty if that is nothing: a word for any message, or the text itself."""
    while found := _PREFIX.match(title):
        title = title[found.end() :]
    title = " ".join(_CONTACT.sub(" ", title).split())
    if all(stem in _GENERIC or stem.isdecimal() for stem in stems(title)):
        return ""
    repeated = " ".join(title.casefold().rstrip(" .…").split())
    return "" if repeated in " ".join(text.casefold().split()) else title
