"""The facts of a French text that can be compared: quantities, dates, hours, phone and form numbers, law articles.

A fact counts by what it says, not by how it is written: « quinze jours » and « 15 jours » are the same, « 15 jours »
and « 15 mois » are not. Reading is generous, so that no digit escapes: what fits no pattern is still a number.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise

from chains import vocabulary


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its unit, which is empty where we know none; « 3e » has the unit `e`."""

    value: Decimal
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """A date as far as it is written: « mars 2026 » has no day, « 2026 » neither day nor month."""

    day: int | None = None
    month: int | None = None
    year: int | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """What counts as it is named: a phone, a form, an article of law, an hour, a weekday, « par mois », « moitié »."""

    text: str


Fact = Quantity | Day | Code


@dataclass(frozen=True, slots=True)
class Figure:
    """A fact and where it stands in the text. A `plain` one proves others and needs no proof: « un », « premier »."""

    fact: Fact
    start: int
    end: int
    plain: bool = False


def unproved(text: str, sources: Iterable[str]) -> tuple[str, ...]:
    """The runs of `text`, word for word, whose fact stands in none of the sources."""
    claims = [figure for figure in figures(text) if not figure.plain]
    if not claims:  # as most sentences have none, and reading the sources takes its time
        return ()
    known = {figure.fact for source in sources for figure in figures(source)}
    runs = [text[one.start : one.end] for one in claims if not any(proves(fact, one.fact) for fact in known)]
    return tuple(dict.fromkeys(runs))


def proves(source: Fact, claim: Fact) -> bool:
    """Whether a fact of a source says what a claim says. A claim may be less exact than its source, never more."""
    if isinstance(source, Day) and isinstance(claim, Day):
        pairs = ((source.day, claim.day), (source.month, claim.month), (source.year, claim.year))
        return all(claimed in (None, given) for given, claimed in pairs)
    if isinstance(source, Code) or isinstance(claim, Code):
        return _name(claim) in (_name(source), _name(source).partition("*")[0])  # a form may go without its edition
    return source == claim


def figures(text: str) -> list[Figure]:
    """Every fact of a text, in order."""
    found = []
    for pattern, read in _READERS:
        if read in _OF_DIGITS and not _DIGIT.search(text):
            continue
        for match in list(pattern.finditer(text)):
            fact, (start, end) = read(match), match.span()
            found.append(Figure(fact, start, end, _is_plain(match.group(), fact)))
            text = text[:start] + "\0" * (end - start) + text[end:]  # read once; the places stay the same
    found.sort(key=lambda figure: figure.start)
    return [_as_year(figure) for figure in _share_along(_join_days(found, text), text)]


def _name(fact: Fact) -> str:
    """A fact as a name: « 3939 » is a number as it stands, and the phone number « 39 39 »."""
    match fact:
        case Code(text):
            return text
        case Quantity(value, ""):
            return str(value)
        case Day(None, None, year):
            return str(year)
    return repr(fact)


def _is_plain(run: str, fact: Fact) -> bool:
    if isinstance(fact, Quantity) and fact.unit == "e":
        return fact.value == 1 and not run[0].isdigit()
    return run.lower() in ("un", "une", "neuf")  # « neuf » is also « new »


# A day and its month, a range and its unit


def _join_days(found: list[Figure], rest: str) -> list[Figure]:
    """« 1er » and « mars 2026 », side by side, are one date."""
    joined: list[Figure] = []
    for figure in found:
        before = joined[-1] if joined else None
        if before and _is_month(figure.fact) and not rest[before.end : figure.start].strip() and _could_be_day(before):
            joined[-1] = Figure(_with_day(before.fact, figure.fact), before.start, figure.end)
        else:
            joined.append(figure)
    return joined


def _share_along(found: list[Figure], rest: str) -> list[Figure]:
    """« 2 à 3 mois » are 2 months to 3 months; « du 1er au 15 mars » are two days of March."""
    shared = found[-1:]
    for figure, _ in reversed(list(pairwise(found))):
        after = shared[0]
        if _BETWEEN.fullmatch(rest, figure.end, after.start):
            figure = _sharing(figure, after.fact)
        shared.insert(0, figure)
    return shared


def _sharing(figure: Figure, after: Fact) -> Figure:
    if isinstance(after, Day) and after.day and _could_be_day(figure):
        return replace(figure, fact=_with_day(figure.fact, after), plain=False)
    if isinstance(after, Quantity) and after.unit and isinstance(figure.fact, Quantity) and not figure.fact.unit:
        return replace(figure, fact=replace(figure.fact, unit=after.unit), plain=False)
    return figure


def _is_month(fact: Fact) -> bool:
    return isinstance(fact, Day) and fact.day is None and fact.month is not None


def _could_be_day(figure: Figure) -> bool:
    fact = figure.fact
    return isinstance(fact, Quantity) and fact.unit in ("", "e") and fact.value in range(1, 32)


def _with_day(day: Fact, month: Fact) -> Fact:
    return replace(month, day=int(day.value)) if isinstance(day, Quantity) and isinstance(month, Day) else month


def _as_year(figure: Figure) -> Figure:
    fact = figure.fact
    if isinstance(fact, Quantity) and not fact.unit and fact.value in range(1900, 2100):
        return replace(figure, fact=Day(year=int(fact.value)))
    return figure


# Reading, the most particular first: what one reader takes, the next does not see


def _phone(match: re.Match[str]) -> Fact:
    digits = re.sub(r"\D", "", match.group().replace("(0)", ""))
    return Code("0" + digits[2:] if match.group().startswith("+") else digits)


def _numeric_date(match: re.Match[str]) -> Fact:
    if match["iso"]:
        year, month, day = (int(part) for part in match["iso"].split("-"))
    else:
        day, month, *years = (int(part) for part in re.split(r"\D", match["french"]))
        year = years[0] if years else 0
    if not (1 <= day <= 31 and 1 <= month <= 12):
        return Code(match.group())
    return Day(day, month, year + 2000 if 0 < year < 100 else year or None)


def _hour(match: re.Match[str]) -> Fact:
    hour, minute = int(match["hour"]), int(match["minute"])
    return Code(f"{hour}h{minute:02}") if minute else Quantity(Decimal(hour), "heure")


def _law(match: re.Match[str]) -> Fact:
    return Code(re.sub(r"[\s.*]", "", match.group()).upper().replace("ARTICLES", "ARTICLE"))


def _month(match: re.Match[str]) -> Fact:
    return Day(None, vocabulary.MONTHS.index(_fold(match["month"])) + 1, int(match["year"]) if match["year"] else None)


def _rank(match: re.Match[str]) -> Fact:
    if match["nth"]:
        return Quantity(Decimal(match["nth"]), "e")
    word = _fold(match.group()).rstrip("s").replace("premiere", "premier")
    return Quantity(Decimal(vocabulary.RANKS.index(word) + 1), "e")


def _in_digits(match: re.Match[str]) -> Fact:
    digits = re.sub(r"[\s'’]", "", match["digits"])
    if re.fullmatch(r"\d{1,3}(?:\.\d{3})+(?:,\d+)?", digits):
        digits = digits.replace(".", "")
    value = Decimal(digits.replace(",", "."))
    if match["times"]:
        value *= vocabulary.NUMBERS[match["times"].lower()]
    return Quantity(value, "€" if match["euro"] else _unit(match["unit"]))


def _about(match: re.Match[str]) -> Fact:
    return Quantity(Decimal(vocabulary.ABOUT[match["about"].lower()]), _unit(match["unit"]))


def _in_words(match: re.Match[str]) -> Fact:
    total = current = 0
    for word in re.split(r"[\s-]+", _fold(match["words"])):
        value = vocabulary.NUMBERS.get(word, 0)  # « et » counts for nothing
        if value >= 1000:
            total, current = total + max(current, 1) * value, 0
        elif value == 100 or (value == 20 and current % 100 == 4):  # « deux cents », « quatre-vingts »
            current = current - current % 100 + (current % 100 or 1) * value if value == 20 else max(current, 1) * value
        else:
            current += value
    return Quantity(Decimal(total + current), _unit(match["unit"]))


def _as_code(match: re.Match[str]) -> Fact:
    return Code(re.sub(r"\s", "", match.group()).upper())


def _unit(text: str | None) -> str:
    if not text:
        return ""
    return next(unit for unit, pattern in vocabulary.UNITS.items() if re.fullmatch(pattern, text, re.IGNORECASE))


def _fold(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.lower())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


_SPACE = r"[^\S\r\n]"  # within a line: two lines of a table are not one number
_UNIT = "|".join(rf"(?:{pattern})(?![\w'’])" for pattern in vocabulary.UNITS.values())
_WITH_UNIT = rf"(?:(?:{_SPACE}?|{_SPACE}+d(?:e{_SPACE}+|['’]))(?P<unit>{_UNIT})|(?!\w))"
_WORD = vocabulary.alternatives(vocabulary.NUMBERS)
_AND = rf"(?:{_SPACE}+|-)(?:et(?:{_SPACE}+|-)(?=une?\b|onze\b))?"

_DIGIT = re.compile(r"\d")
_OF_DIGITS = frozenset({_phone, _numeric_date, _hour, _law, _in_digits, _as_code})
"""Readers whose every pattern has a digit; most have read the last one when the later ones come."""
_BETWEEN = re.compile(r"\s*(?:,|-|–|/|à|au|et|ou|et\s+le|ou\s+le|et\s+au|jusqu['’]au)\s*", re.IGNORECASE)

_READERS: list[tuple[re.Pattern[str], Callable[[re.Match[str]], Fact]]] = [
    (re.compile(pattern, re.IGNORECASE), read)
    for pattern, read in (
        (rf"(?<!\w)(?:\+33{_SPACE}?(?:\(0\))?{_SPACE}?|0)[1-9](?:[.\s-]?\d\d){{4}}(?!\d)", _phone),
        (rf"(?<!\w)0{_SPACE}?8\d\d(?:{_SPACE}?\d{{3}}){{2}}(?!\d)", _phone),
        (rf"(?<![\w,.])3\d{_SPACE}\d\d(?!\d|{_SPACE}?(?:\d|{_UNIT}))", _phone),
        (rf"(?<!\w)\d{{4,6}}{_SPACE}?\*{_SPACE}?\d\d?(?!\d)", _as_code),
        (
            r"(?<!\w)(?:(?P<iso>\d{4}-\d\d-\d\d)"
            r"|(?P<french>\d\d?(?P<sep>[./-])\d\d?(?P=sep)(?:\d{4}|\d\d)|\d\d?/\d\d?))(?!\w)",
            _numeric_date,
        ),
        (rf"(?<!\w)(?P<hour>\d\d?)(?:{_SPACE}?h{_SPACE}?|:)(?P<minute>[0-5]\d)(?!\w)", _hour),
        (rf"(?<!\w)[LRD]\*?\.?{_SPACE}?\d+(?:[-.]\d+)*(?!\w)|(?<!\w)articles?{_SPACE}\d+(?:-\d+)*(?!\w)", _law),
        (
            rf"(?<!\w)(?P<month>{vocabulary.alternatives(vocabulary.MONTHS)})(?!\w)"
            rf"(?:{_SPACE}+(?P<year>\d{{4}})(?!\w))?",
            _month,
        ),
        (
            rf"(?<!\w)(?:{vocabulary.alternatives(vocabulary.WEEKDAYS)})s?(?!\w)",
            lambda m: Code(_fold(m[0]).rstrip("s")),
        ),
        (
            rf"(?<!\w)(?:(?P<nth>\d+)(?:ers?|[èe]?res?|es?|[èe]mes?|nde?s?)"
            rf"|{vocabulary.alternatives(vocabulary.RANKS)}|premi[èe]re)s?(?!\w)",
            _rank,
        ),
        (
            rf"(?<!\w)(?:par{_SPACE}+|/{_SPACE}?)(?:an(?:née)?|semestre|trimestre|mois|semaine|jour|heure)(?!\w)",
            lambda m: Code("par " + re.split(r"[\s/]+", _fold(m[0]).replace("annee", "an"))[-1]),
        ),
        (
            r"(?<!\w)(?:moitié|(?:un|deux)\s+tiers|(?:un|trois)\s+quarts?|demie?|double|triple)(?!\w)",
            lambda m: Code(" ".join(_fold(m[0]).removesuffix("e").split())),
        ),
        (
            rf"(?<!\w)(?:(?P<euro>€){_SPACE}?)?"
            rf"(?P<digits>\d{{1,3}}(?:(?:{_SPACE}|[.'’])\d{{3}})+(?!\d)(?:,\d+)?|\d+(?:[.,]\d+)?)"
            rf"(?:{_SPACE}?(?P<times>mille|millions?|milliards?)(?!\w))?{_WITH_UNIT}",
            _in_digits,
        ),
        (rf"(?<!\w)(?:une?{_SPACE}+)?(?P<about>{'|'.join(vocabulary.ABOUT)})s?(?!\w){_WITH_UNIT}", _about),
        (rf"(?<!\w)(?P<words>(?:{_WORD})(?:{_AND}(?:{_WORD}))*)(?!\w){_WITH_UNIT}", _in_words),
        (r"(?<!\w)[^\W\d_]+[-/]?\d[\w*-]*|(?<!\w)\d+[^\W\d_][\w*-]*", _as_code),
        (r"\d+", lambda m: Quantity(Decimal(m[0]))),
    )
]
