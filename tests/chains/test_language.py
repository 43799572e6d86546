"""The language of what citizens write."""

from __future__ import annotations

import pytest

from chains.language import language_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("bonjour jai perdu ma carte vitale coment faire svp", "fr"),
        ("Ma carte d'identité est perdue", "fr"),
        ("My car registration is lost, how do I get a new one?", "en"),
        ("Ich habe meinen Reisepass verloren", "de"),
        ("Necesito renovar mi permiso de residencia", "es"),
    ],
)
def test_the_language_of_a_sentence_is_told(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize("text", ["", "ok", "hello", "CAF RSA APL", "12 345 678 901 234 567 890 123"])
def test_a_text_too_short_to_tell_has_the_default(text: str) -> None:
    assert language_of(text) == "fr"
    assert language_of(text, default="en") == "en"
