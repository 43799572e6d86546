from __future__ import annotations

import json

import pytest

from connector.signature import is_signed
from tests.conftest import FIXTURES

VECTORS = json.loads((FIXTURES / "zammad-from-source" / "signature_vectors.json").read_text("utf-8"))
SECRET = VECTORS["secret"]


def sha1(vector: dict[str, str]) -> str:
    return vector["x_hub_signature"].removeprefix("sha1=")


@pytest.mark.parametrize("vector", VECTORS["vectors"])
def test_a_published_vector_is_signed(vector: dict[str, str]) -> None:
    assert is_signed(vector["body"].encode(), sha1(vector), [SECRET], digest="sha1")


@pytest.mark.parametrize("vector", VECTORS["vectors"])
def test_a_signature_over_other_bytes_is_refused(vector: dict[str, str]) -> None:
    assert not is_signed(vector["body"].encode() + b" ", sha1(vector), [SECRET], digest="sha1")


def test_each_of_several_secrets_is_accepted() -> None:
    vector = VECTORS["vectors"][0]
    for secrets in ([SECRET, "other"], ["other", SECRET]):
        assert is_signed(vector["body"].encode(), sha1(vector), secrets, digest="sha1")


def test_without_a_secret_nothing_is_signed() -> None:
    vector = VECTORS["vectors"][0]
    assert not is_signed(vector["body"].encode(), sha1(vector), [], digest="sha1")


@pytest.mark.parametrize("signature", ["", "é", "\udcff", "0" * 39, "0" * 1_000_000])
def test_a_header_that_is_no_signature_is_refused(signature: str) -> None:
    assert not is_signed(b"{}", signature, [SECRET], digest="sha1")
