"""What of a message is searched for: what it asks, without what surrounds that. Pure: text in, text out.

Only a search reads what comes out: the model and the agent see the message as it was written. In doubt a line stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from chains.analyser import stems

FEW_STEMS = 3
"""Fewer words that count than that say too little to be searched for alone."""
MAX_PARTS = 3
"""How many questions of one message are searched for apart."""


@dataclass(frozen=True, slots=True)
class Search:
    """A text to search for, and its language: words are compared in French only."""

    text: str
    language: str = "fr"


_I = re.IGNORECASE
_NAMES = r"madame|monsieur|mesdames|messieurs|mesdemoiselles|mme|mr|m\."
_GREETING = re.compile(
    rf"""(?:[\s,.!;:-]*\b(?:bonjours?|bonsoir|bjr|salut|slt|coucou|(?:{_NAMES})(?:\s+l[ea]\s+(?:maire|pr[ée]f[eè]te?
    |directeur|directrice|pr[ée]sidente?))?|et|ou|[àa]\s+tous|cher|ch[èe]re|chers|hello|hi|dear(?:\s+(?:sir|madam|all))*
    |good\s+(?:morning|afternoon|evening)|or\s+madam|buenos\s+d[íi]as|buenas\s+tardes|hola|bom\s+dia|boa\s+tarde|ol[áa]
    |guten\s+tag|sehr\s+geehrte\s+damen\s+und\s+herren)(?![\w'’-]))+[\s,.!;:-]*""",
    _I | re.VERBOSE,
)
_CLOSING = (
    r"(?:bien\s+|tr[èe]s\s+|sinc[èe]res?\s+|meilleures\s+)?(?:cordialement|respectueusement|sinc[èe]rement|salutations)"
    r"|cdl?t|bien\s+[àa]\s+vous|bonne\s+(?:journ[ée]e|soir[ée]e|r[ée]ception)"
    r"|(?:je\s+vous\s+prie\s+d|nous\s+vous\s+prions\s+d|veuillez|dans\s+l.attente)\b[^?]{0,250}"
    r"|(?:en\s+vous\s+remerciant|je\s+vous\s+remercie|nous\s+vous\s+remercions)\b[^?]{0,80}"
    r"|(?:grand\s+)?merci(?:\s+(?:beaucoup|bcp|bien|infiniment|[àa]\s+vous|d.avance|par\s+avance)\b|\s+(?:de|pour)\s+"
    r"(?:votre|vos|ta|ton|m.avoir|me|nous)\b[^?\n]{0,80})*"
    r"|(?:best|kind|warm)\s+regards|yours\s+\w+|sincerely|thanks?(?:\s+(?:you|a\s+lot|in\s+advance))*"
    r"|(?:muchas\s+)?gracias|(?:muito\s+)?obrigad[oa]|saludos|mit\s+freundlichen\s+gr[üu](?:ß|ss)en|vielen\s+dank"
)
_CLOSING_LINE = re.compile(rf"(?:{_CLOSING})\W*", _I)
_CLOSING_END = re.compile(rf"(?:(?<=[.!?,;…\n])|(?<=\w))\s+(?:{_CLOSING})[\s,.!;:)-]*$", _I)
_STILL_ASKING = re.compile(r"\?|^\W*P\.?\s?S\b", _I)
_SIGNATURE_LINE, _SIGNATURE_LINES = 80, 8  # characters of a line of a signature, and how many lines it has at most

_THREAD = re.compile(
    r"[-_*=\s]{2,}(?:message|mail|courriel)?[^\n]{0,30}(?:d.origine|original|transf[ée]r[ée]|forwarded|initial)\w*[^\n]{0,30}"
    r"|d[ée]but du message (?:transf[ée]r[ée]|r[ée]exp[ée]di[ée])\W*|(?:le|on)\s[^\n]{4,200}(?:a\s+[ée]crit|wrote)\s*:",
    _I,
)
_HEADER = re.compile(r"(?:de|from|[àa]|to|cc|copie|envoy[ée]|sent|date|exp[ée]diteur|destinataire|r[ée]pondre [àa])\s?:\s.*", _I)
_LABEL = re.compile(
    r"(?:votre\s+|vos\s+|your\s+)?(?:message|question|demande|objet|sujet|subject|description|commentaires?|texte)s?\s?:\s*", _I
)
_FIELD = re.compile(
    r"(?:votre\s+|your\s+)?(?:nom|pr[ée]nom|noms?\s+et\s+pr[ée]noms?|nom\s+de\s+famille|civilit[ée]|e-?mail|courriel|m[ée]l"
    r"|adresse(?:\s+(?:e-?mail|mail|[ée]lectronique|postale))?|t[ée]l(?:[ée]phone|\.)?|portable|mobile|fax|code\s+postal"
    r"|ville|commune|pays|date\s+de\s+naissance|n[ée]e?\s+le|name|first\s+name|last\s+name|phone|address|siren|siret|rna"
    r"|nir|iban|rib|plaque|immatriculation|num[ée]ro\s+(?:de\s+)?(?:dossier|allocataire|client)|n°[^:\n]{0,30})"
    r"\s?(?::|n°)\s?.{0,120}",
    _I,
)
_BOILERPLATE = re.compile(
    r"(?:envoy[ée]\s+(?:de|depuis|[àa]\s+partir|par)|sent\s+from|(?:get|obtenez|obtenir|t[ée]l[ée]charger)\s+outlook"
    r"|provenance\s*:|garanti\s+sans\s+virus|l.absence\s+de\s+virus|virus-free)\b.*"
    r"|(?:ce|cet)\s+(?:message|courriel|e-?mail|mail)\b.{0,80}(?:confidentiel|destin[ée]|pi[èe]ces\s+jointes).*"
    r"|.{0,80}(?:re[çc]u\s+ce\s+(?:message|courriel|mail)\s+par\s+erreur|received\s+this\s+(?:message|e-?mail)\s+in\s+error).*"
    r"|.{0,40}(?:avant\s+d.imprimer|before\s+printing).*|.{0,20}(?:ci-?joint|pi[èe]ce\s+jointe)\s*:?\s*\S+\.\w{3,4}",
    _I,
)
_STREET = r"rue|avenue|av\.?|boulevard|bd|all[ée]es?|chemin|impasse|place|route|quai|square|cours|r[ée]sidence|lotissement"
_CONTACT_LINE = re.compile(
    rf"\d{{1,4}}\s?(?:bis|ter|quater)?,?\s+(?:{_STREET})\b[^?]{{0,80}}|(?:F-?)?\d{{5}}\s+[A-ZÉÈ][^?.]{{0,40}}|[-_*=~\s]{{2,}}", _I
)
_CONTACT = re.compile(
    r"https?://\S+|www\.\S+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|\b[A-Z]{2}\d{2}(?:\s?[\dA-Z]{4}){3,7}(?:\s?[\dA-Z]{1,4})?\b"  # an account
    r"|(?:(?:t[ée]l(?:[ée]phone)?|portable|mobile)?\s*[.:]?\s*)(?<![\d,.])(?:\+33|0033|0)\s?[1-9](?:[\s.-]?\d{2}){4}\b"
    r"|\b\d(?:[\s.-]?\d){12,}\b",  # any other number of a person or a card
    _I,
)


def essence(text: str) -> str:
    """What a message says: without greeting, closing, signature, quoted mails, fields of a form, contact data.

    All of the text where nothing would remain.
    """
    lines = [line.strip() for line in text.splitlines()]
    above, below = _at_thread(lines)
    kept = _without_frame(above)
    if below and len(set(stems(kept))) < FEW_STEMS:  # « voir ci-dessous »: the question is in what was forwarded
        kept = f"{kept}\n{_without_frame(below)}".strip()
    return kept if any(map(str.isalnum, kept)) else text.strip()


def _at_thread(lines: list[str]) -> tuple[list[str], list[str]]:
    """What stands above and below the line that announces an older mail, without headers and marks of quotation."""
    at = next((number for number, line in enumerate(lines) if _THREAD.fullmatch(line)), len(lines))
    above = [line for line in lines[:at] if not line.startswith(">")]
    below = [line.lstrip("> ") for line in lines[at + 1 :]]
    quoted = [line.lstrip("> ") for line in lines[:at] if line.startswith(">")]
    return above, [line for line in (*quoted, *below) if not _THREAD.fullmatch(line)]


def _without_frame(lines: list[str]) -> str:
    told = (_told(line) for line in _without_signature(lines))
    text = "\n".join(line for line in told if line is not None).strip()
    greeting = _GREETING.match(text)
    return _without_closing(text[greeting.end() :] if greeting else text)


def _told(line: str) -> str | None:
    """What a line says beside contact data; None if it says nothing."""
    if _BOILERPLATE.fullmatch(line) or _FIELD.fullmatch(line) or _HEADER.fullmatch(line):
        return None
    line = _LABEL.sub("", line) if _LABEL.match(line) else line
    if _CONTACT_LINE.fullmatch(line):
        return None
    said = _CONTACT.sub(" ", line)
    return None if line and not any(map(str.isalpha, said)) else " ".join(said.split())


def _without_signature(lines: list[str]) -> list[str]:
    """Without a closing line and the few short ones below it, unless they ask something more."""
    for number, line in enumerate(lines):
        below = [other for other in lines[number + 1 :] if other]
        if (
            number
            and (_CLOSING_LINE.fullmatch(line) or line in ("--", "-- "))
            and len(below) <= _SIGNATURE_LINES
            and not any(len(other) > _SIGNATURE_LINE or _STILL_ASKING.search(other) for other in below)
        ):
            return lines[:number]
    return lines


def _without_closing(text: str) -> str:
    text = text.strip()
    while found := _CLOSING_END.search(text):
        text = text[: found.start()].strip()
    return text


# --- several questions

_ITEM = re.compile(r"\s*(?:\(?\d{1,2}\s?[).°/-]|\d{1,2}\s?[eè]re?\b|[a-c]\)|question\s+\d\s?:?)\s*(?=\S)", _I)
_BULLET = re.compile(r"\s*[-*•–]\s+")
_TURN = re.compile(
    r"(?<=[.?!…;\n])\s*(?=(?:par\s+ailleurs|d.autre\s+part|autres?\s+(?:question|chose|demande)|une?\s+autre\s+question"
    r"|(?:ma\s+)?(?:deuxi[èe]me|seconde|troisi[èe]me|2[eè]me)\s+question|j.ai\s+(?:aussi|également|egalement)\s+une"
    r"|je\s+(?:voudrais|souhaite\w*|aimerais)\s+(?:aussi|[ée]galement)|et\s+aussi|de\s+plus|[ée]galement|sinon|enfin)\b)",
    _I,
)
_SENTENCE = re.compile(r"(?<=\?)\s+")
_ASKING = re.compile(
    r"\?|\b(?:comment|combien|pourquoi|quel(?:le)?s?|est[- ]ce|puis[- ]je|peut[- ](?:on|il|elle)|pouvez|faut[- ]il|dois[- ]je"
    r"|ai[- ]je|a[- ]t[- ](?:on|il|elle)|y a[- ]t[- ]il|savoir|connaitre|conna[îi]tre|o[ùu] (?:puis|dois|faut|en))\b",
    _I,
)


def questions(text: str) -> tuple[str, ...]:
    """The questions of a message, in their order, if there are several: at most `MAX_PARTS`, the last with the rest."""
    parts = list(_joined(_pieces(text)))
    if len(parts) < 2:
        return ()
    return (*parts[: MAX_PARTS - 1], " ".join(parts[MAX_PARTS - 1 :])) if len(parts) > MAX_PARTS else tuple(parts)


def _pieces(text: str) -> Iterator[str]:
    lines = [line for line in text.splitlines() if line.strip()]
    items = [line for line in lines if _ITEM.match(line)]
    if len(items) < 2:
        items = [line for line in lines if _BULLET.match(line) and "?" in line]
    if len(items) >= 2:
        for line in lines:
            yield _BULLET.sub("", _ITEM.sub("", line, count=1), count=1) if line in items else line
        return
    for turn in _TURN.split(text):
        yield from _SENTENCE.split(turn)


def _joined(pieces: Iterator[str]) -> Iterator[str]:
    """Pieces that say enough to be searched for alone; a shorter one belongs to the one before it."""
    whole = ""
    for piece in pieces:
        if _asks(piece) and _asks(whole):
            yield whole
            whole = piece.strip()
        else:
            whole = f"{whole} {piece}".strip()
    if whole:
        yield whole


def _asks(text: str) -> bool:
    return _ASKING.search(text) is not None and len(set(stems(text))) >= FEW_STEMS


# --- titles

_PREFIX = re.compile(r"\s*(?:(?:re|r[ée]f?|fwd?|tr|aw|wg)\s?(?:\[\d+\])?\s?:|\[[^\]]{0,60}\]|#\d+)\s*", _I)
_GENERIC = frozenset(
    stems(
        "demande question questions formulaire contact message nouveau votre mail courriel ticket sujet objet sans aucun"
        " urgent urgence svp site internet web usager client test dossier suivi problème précision complément divers"
        " besoin re fwd tr via depuis général générale request new help subject no none form inquiry enquiry"
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
