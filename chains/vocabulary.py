"""French words that count: numbers, units, months. Accents are optional when they are read (`alternatives`)."""

from __future__ import annotations

from collections.abc import Iterable

MONTHS = (
    "janvier", "fevrier", "mars", "avril", "mai", "juin",
    "juillet", "aout", "septembre", "octobre", "novembre", "decembre",
)  # fmt: skip

WEEKDAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")

RANKS = (
    "premier", "deuxieme", "troisieme", "quatrieme", "cinquieme",
    "sixieme", "septieme", "huitieme", "neuvieme", "dixieme",
)  # fmt: skip

NUMBERS = {
    "zero": 0, "un": 1, "une": 1, "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "six": 6, "sept": 7, "huit": 8,
    "neuf": 9, "dix": 10, "onze": 11, "douze": 12, "treize": 13, "quatorze": 14, "quinze": 15, "seize": 16,
    "vingt": 20, "vingts": 20, "trente": 30, "quarante": 40, "cinquante": 50, "soixante": 60, "septante": 70,
    "huitante": 80, "nonante": 90, "cent": 100, "cents": 100, "mille": 1000, "million": 10**6, "millions": 10**6,
    "milliard": 10**9, "milliards": 10**9,
}  # fmt: skip

ABOUT = {
    "dizaine": 10, "douzaine": 12, "quinzaine": 15, "vingtaine": 20, "trentaine": 30, "cinquantaine": 50,
    "soixantaine": 60, "centaine": 100, "millier": 1000,
}  # fmt: skip

UNITS = {
    "€": r"€|euros?|eur",
    "k€": r"k€",
    "centime": r"centimes?",
    "%": r"%|pour[ -]cent|p\.\s?100",
    "jour ouvrable": r"jours?\s+ouvrables?",
    "jour ouvré": r"jours?\s+ouvr[ée]s?",
    "jour franc": r"jours?\s+francs?",
    "jour": r"jours?(?:\s+calendaires?)?|j",
    "semaine": r"semaines?",
    "mois": r"mois",
    "trimestre": r"trimestres?",
    "semestre": r"semestres?",
    "an": r"ans?|ann[ée]es?",
    "heure": r"heures?|h",
    "minute": r"minutes?|min|mn",
    "seconde": r"secondes?",
    "fois": r"fois",
    "km/h": r"km/h",
    "km": r"km|kilom[èe]tres?",
    "m²": r"m²|m2|m[èe]tres?\s+carr[ée]s?",
    "m³": r"m³|m3|m[èe]tres?\s+cubes?",
    "cm": r"cm|centim[èe]tres?",
    "mm": r"mm|millim[èe]tres?",
    "m": r"m[èe]tres?|m",
    "kg": r"kg|kilos?|kilogrammes?",
    "g": r"grammes?|g",
    "t": r"tonnes?",
    "l": r"litres?|l",
    "personne": r"personnes?",
    "enfant": r"enfants?",
    "point": r"points?",
    "degré": r"°c?|degr[ée]s?",
}
"""Each unit under one name. Working days are not days: a statement that drops « ouvrables » says something else."""

_ACCENTS = {"fevrier": "f[ée]vrier", "aout": "ao[uû]t", "decembre": "d[ée]cembre", "zero": "z[ée]ro"}


def alternatives(words: Iterable[str]) -> str:
    """A pattern for any of the words, the longest first, with or without their accents."""
    spelt = (_ACCENTS.get(word, word.replace("ieme", "i[èe]me")) for word in words)
    return "|".join(sorted(spelt, key=len, reverse=True))
