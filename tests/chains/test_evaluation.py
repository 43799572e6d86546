"""Questions from a file, a run over a real store, and runs that are kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg_pool import ConnectionPool

from chains.embedding import Embedder
from chains.evaluation import Labelled, Run, load, name_of, of_drafts, read_questions, save, search
from chains.indexing import index
from chains.measures import groups, score, summary
from chains.retrieval import HybridRetriever
from chains.stores.postgres import PostgresStore
from connector.errors import ConfigurationError
from tests.chains.index_doubles import DIMENSION, HashedWords, MemoryCache, document

LINE = {"question": "Où refaire ma carte ?", "relevant": ["F1"], "source": "mails"}


def _file(folder: Path, *lines: object) -> Path:
    file = folder / "questions.jsonl"
    file.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines), "utf-8")
    return file


def test_a_document_is_named_by_the_last_part_of_its_id() -> None:
    assert name_of("service-public:particuliers/F12") == "F12"
    assert name_of("answers:12") == "12"
    assert name_of("F12") == "F12"


def test_questions_are_read_line_by_line(tmp_path: Path) -> None:
    file = _file(tmp_path, LINE, "", LINE | {"relevant": ["particuliers/F2", "F3"], "source": "words"})
    assert read_questions(file) == [
        Labelled("Où refaire ma carte ?", frozenset({"F1"}), "mails"),
        Labelled("Où refaire ma carte ?", frozenset({"F2", "F3"}), "words"),
    ]


def test_a_limit_takes_the_first_of_each_source(tmp_path: Path) -> None:
    lines = [LINE | {"question": f"{number} ?", "source": source} for number in range(3) for source in ("a", "b")]
    assert [q.question + q.source for q in read_questions(_file(tmp_path, *lines), limit=2)] == [
        "0 ?a", "0 ?b", "1 ?a", "1 ?b",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("{", "not JSON"),
        ("[]", 'not an object with "question", "relevant" and "source"'),
        ({**LINE, "question": " "}, '"question" must be a text that is not empty'),
        ({"question": "?", "relevant": ["F1"]}, '"source" must be a text that is not empty'),
        ({**LINE, "relevant": []}, '"relevant" must be a list of the ids of documents, at least one'),
        ({**LINE, "relevant": "F1"}, '"relevant" must be a list of the ids of documents, at least one'),
    ],
)
def test_a_bad_line_is_named_with_what_is_wrong(tmp_path: Path, line: object, wrong: str) -> None:
    file = _file(tmp_path, LINE, line)
    with pytest.raises(ConfigurationError) as told:
        read_questions(file)
    assert str(told.value).startswith(f"{file}, line 2: {wrong}")


def test_a_file_without_questions_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"questions\.jsonl: there is no question in it"):
        read_questions(_file(tmp_path, ""))


def test_a_file_that_is_not_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "questions.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="is not text in UTF-8"):
        read_questions(tmp_path / "questions.jsonl")


def test_a_run_is_kept_without_its_questions(tmp_path: Path) -> None:
    question = Labelled("Je m'appelle Jeanne", frozenset({"F1"}), "mails")
    run = Run("postgres", {question.key: ["F2", "F1"]})
    save(run, tmp_path / "run.json")
    assert load(tmp_path / "run.json") == run
    assert "Jeanne" not in (tmp_path / "run.json").read_text("utf-8")


@pytest.mark.parametrize("content", ["", "[]", '{"store": "postgres"}', '{"store": "postgres", "found": [1]}'])
def test_what_is_no_run_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content, "utf-8")
    with pytest.raises(ConfigurationError, match=r"run\.json is not a run that --save has written"):
        load(tmp_path / "run.json")


SHEETS = [
    document("service-public:particuliers/F1", "Carte d'identité", "La carte se demande en mairie."),
    document("service-public:professionnels/F1", "Carte d'identité", "La carte se demande en mairie."),
    document("service-public:particuliers/F2", "Permis de conduire", "Le permis se demande en préfecture."),
    document("service-public:associations/F3", "Association", "Une association se déclare en préfecture."),
]


@pytest.fixture
def retriever(database_url: str) -> Iterator[HybridRetriever]:
    with ConnectionPool(database_url, min_size=1, open=True) as pool:
        store = PostgresStore(pool, embedder="words", dimension=DIMENSION)
        index("sheets", SHEETS, store, Embedder("words", DIMENSION, "", HashedWords()), MemoryCache())
        yield HybridRetriever(store=store, embeddings=HashedWords())


@pytest.mark.server
def test_what_is_measured_is_the_order_of_the_drafts_search(retriever: HybridRetriever) -> None:
    question = "Permis de conduire : à quelle préfecture ?"
    given = [document.metadata["passage"].document for document in retriever.invoke(question)]
    assert [id for id, _ in of_drafts(retriever)(question)][: len(given)] == given


@pytest.mark.server
def test_the_figures_are_those_that_a_hand_counts(retriever: HybridRetriever) -> None:
    questions = [
        Labelled("carte d'identité en mairie", frozenset({"F1"}), "mails-short"),
        Labelled("permis de conduire en préfecture", frozenset({"F3", "F9"}), "mails-long"),
    ]
    found = search(questions, of_drafts(retriever))
    ours, other = (found[question.key] for question in questions)
    assert ours[0] == "F1"
    assert ours.count("F1") == 1, "two audiences of one sheet are one document"
    assert other[:2] == ["F2", "F3"]
    scores = score([question.relevant for question in questions], [ours, other])
    figures = summary(scores, groups([question.source for question in questions]))
    assert {name: value.mean for name, value in figures["mails-short"].items()} == dict.fromkeys(scores, 1.0)
    # two are right and one of them came second: 1/log2(3) of the best that could be, 1 + 1/log2(3)
    assert {name: value.mean for name, value in figures["mails-long"].items()} == pytest.approx(
        {
            "r@1": 0,
            "r@3": 0.5,
            "r@5": 0.5,
            "r@10": 0.5,
            "mrr@10": 0.5,
            "ndcg@10": 0.386853,
            "s@1": 0,
            "s@3": 1,
            "s@5": 1,
        }
    )
    assert figures["mails"] == figures["all"]
    assert figures["mails"]["mrr@10"].mean == 0.75
