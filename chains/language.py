"""The language that a text is written in. Pure: the statistical model is in the package, nothing is fetched."""

from __future__ import annotations

from functools import lru_cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

LANGUAGES = ("fr", "en", "de", "es", "it", "pt", "nl", "pl", "ro", "tr", "ru", "uk", "ar", "zh")
"""What is told apart. The library knows 97 languages and would see Ligurian in « Ma carte d'identité »."""

FEWEST_LETTERS = 20
"""Below that many letters a guess is worth less than the default."""


def language_of(text: str, default: str = "fr") -> str:
    """The language of a text as a two-letter code; `default` where the text is too short to tell."""
    return _guess(text) if sum(map(str.isalpha, text)) >= FEWEST_LETTERS else default


@lru_cache(maxsize=16)  # one message is asked about several times on its way
def _guess(text: str) -> str:
    language, _ = _identifier().classify(text)
    return str(language)


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    # An identifier of our own: the library's shared one could be set to other languages by other code.
    every = LanguageIdentifier.from_model_file(MODEL_FILE)
    every.set_languages(list(LANGUAGES))
    # and one that knows no others: to be set to them again, that one keeps 25 MB
    return LanguageIdentifier(
        every.nb_ptc, every.nb_pc, every.nb_classes, every.tk_nextmove, every.tk_output, tk_row=every.tk_row
    )
