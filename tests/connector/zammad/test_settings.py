from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connector.zammad.settings import ZammadSettings

GIVEN = {"kind": "zammad", "url": "https://support.valbrume.example/", "token": "jeton", "webhook_secret": "secret"}


@pytest.mark.parametrize("missing", GIVEN)
def test_kind_url_token_and_secret_are_needed(missing: str) -> None:
    with pytest.raises(ValidationError, match=missing):
        ZammadSettings(**{key: value for key, value in GIVEN.items() if key != missing})


@pytest.mark.parametrize(
    "wrong",
    [
        {"webhook_secret": ""},
        {"previous_webhook_secret": ""},
        {"token": ""},
        {"token": "deux mots"},
        {"token": "jeton\n"},
        {"token": "clé"},
        {"url": "ftp://x.example"},
        {"sender": "customer"},
        {"timeout": 0},
        {"inconnu": 1},
    ],
)
def test_a_wrong_value_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        ZammadSettings(**GIVEN | wrong)


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "jeton").write_text("abc\n", "utf-8")
    values = {key: value for key, value in GIVEN.items() if key != "token"}
    assert ZammadSettings(**values, token_file=tmp_path / "jeton").token.get_secret_value() == "abc"


def test_both_secrets_sign_while_one_is_replaced() -> None:
    assert ZammadSettings(**GIVEN).webhook_secrets == ("secret",)
    assert ZammadSettings(**GIVEN, previous_webhook_secret="avant").webhook_secrets == ("secret", "avant")


def test_secrets_are_not_printed() -> None:
    shown = repr(ZammadSettings(**GIVEN))
    assert "jeton" not in shown
    assert "'secret'" not in shown
