"""Ready vectors in a folder, and questions that are embedded once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chains.embedding import text_digest
from chains.known_vectors import PASSAGE, QUESTION, KnownQuestions, ReadyVectors
from chains.stores.vectors import to_bytes
from connector.errors import ConfigurationError
from tests.chains.index_doubles import HashedWords, MemoryCache, ready_vectors

KNOWN, NEW = text_digest("connu"), text_digest("nouveau")


def test_a_text_has_the_vector_of_its_row_and_of_its_side(tmp_path: Path) -> None:
    other = text_digest("autre")
    folder = ready_vectors(tmp_path, {other: to_bytes([1, 2]), KNOWN: to_bytes([3, 4])}, {"connu": [5, 6]})
    ready = ReadyVectors(folder, MemoryCache())
    assert ready.get_many("e5", PASSAGE, [KNOWN, NEW]) == {KNOWN: to_bytes([3, 4])}
    assert ready.get_many("e5", QUESTION, [KNOWN, other]) == {KNOWN: to_bytes([5, 6])}
    assert ready.get_many("e5", "another prefix", [KNOWN]) == {}


def test_what_the_folder_does_not_have_is_kept_behind_it(tmp_path: Path) -> None:
    behind = MemoryCache()
    ready = ReadyVectors(ready_vectors(tmp_path, {KNOWN: to_bytes([3, 4])}, {}), behind)
    ready.put_many("e5", PASSAGE, {NEW: to_bytes([7, 8])})
    assert ready.get_many("e5", PASSAGE, [KNOWN, NEW]) == {KNOWN: to_bytes([3, 4]), NEW: to_bytes([7, 8])}
    assert list(behind.vectors) == [("e5", PASSAGE, NEW)]


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"--embedding-cache: .* holds no passages"):
        ReadyVectors(tmp_path, MemoryCache())


def test_rows_that_are_missing_are_told(tmp_path: Path) -> None:
    folder = ready_vectors(tmp_path, {KNOWN: to_bytes([3, 4])}, {})
    np.save(folder / "passages.f16.npy", np.zeros((0, 2), np.float16))
    with pytest.raises(ConfigurationError, match=r"passages\.f16\.npy and its texts cannot be read"):
        ReadyVectors(folder, MemoryCache()).get_many("e5", PASSAGE, [KNOWN])


class _Counting(HashedWords):
    query_prefix = "query: "
    asked = 0

    def embed_query(self, text: str) -> list[float]:
        self.asked += 1
        return super().embed_query(text)


def test_a_question_is_embedded_once() -> None:
    embedder, cache = _Counting(), MemoryCache()
    known = KnownQuestions(embedder, "words", cache)
    first = known.embed_query("Où refaire ma carte ?")
    assert KnownQuestions(embedder, "words", cache).embed_query("Où refaire ma carte ?") == first
    assert embedder.asked == 1
    assert first == pytest.approx(HashedWords().embed_query("Où refaire ma carte ?"), abs=1e-3)
    assert list(cache.vectors) == [("words", "query: ", text_digest("Où refaire ma carte ?"))]
