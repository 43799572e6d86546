"""`greffier eval retrieval`, on the sample of sheets."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from connector.errors import ConfigurationError
from tests.system import System
from webhooks.cli import cli

QUESTIONS = [
    {"question": "Mon bailleur garde le dépôt de garantie", "relevant": ["F31269"], "source": "mails-2018"},
    {"question": "passeport perdu à l'étranger", "relevant": ["F14244", "F999999"], "source": "words-short"},
    {"question": "Où puis-je refaire un passeport perdu ?", "relevant": ["F14244"], "source": "words-long"},
    {"question": "changer de prénom", "relevant": ["F999999"], "source": "words-long"},
]
MEASURES = {"r@1", "r@3", "r@5", "r@10", "mrr@10", "ndcg@10", "s@1", "s@3", "s@5"}


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    file = tmp_path / "questions.jsonl"
    file.write_text("\n".join(map(json.dumps, QUESTIONS)), "utf-8")
    return file


def evaluated(greffier: System, questions: Path, *options: str) -> Result:
    return greffier.run("eval", "retrieval", "--questions", str(questions), *options)


@pytest.mark.server
def test_the_figures_of_each_source_are_told_to_a_program(greffier: System, questions: Path) -> None:
    told = json.loads(evaluated(greffier, questions, "--json").stdout)
    assert told["store"] == "postgres"
    assert {name: found["n"] for name, found in told["sources"].items()} == {
        "mails-2018": 1, "words-short": 1, "words-long": 2, "words": 3, "all": 4,
    }  # fmt: skip
    everything = told["sources"]["all"]
    assert set(everything) == MEASURES | {"n", "intervals"}
    low, high = everything["intervals"]["ndcg@10"]
    assert 0 <= low <= everything["ndcg@10"] <= high <= 1
    assert everything["s@5"] <= 0.75, "a sheet that is not there is never found"


@pytest.mark.server
def test_a_run_is_compared_with_one_that_was_kept(greffier: System, questions: Path, tmp_path: Path) -> None:
    kept = tmp_path / "run.json"
    assert evaluated(greffier, questions, "--save", str(kept)).exit_code == 0
    run = json.loads(kept.read_text("utf-8"))
    for place, names in enumerate(run["found"].values()):
        names[:] = [] if place == 0 else ["F999999", *names]  # worse for the first question, better for two others
    kept.write_text(json.dumps(run), "utf-8")
    told = json.loads(evaluated(greffier, questions, "--compare", str(kept), "--json").stdout)["against"]
    assert told["store"] == "postgres"
    assert told["sources"]["all"]["n"] == 4
    assert set(told["sources"]["all"]["ndcg@10"]) == {"difference", "interval", "better", "worse"}
    assert told["sources"]["words-long"]["s@5"]["worse"] == 1, "the sheet that is nowhere stood first in the other run"
    assert "better  worse" in evaluated(greffier, questions, "--compare", str(kept)).stdout


@pytest.mark.server
def test_runs_over_other_questions_are_not_compared(greffier: System, questions: Path, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"store": "postgres", "found": {"x": []}}', "utf-8")
    refused = evaluated(greffier, questions, "--compare", str(tmp_path / "run.json"))
    assert isinstance(refused.exception, ConfigurationError)
    assert "no question in common" in str(refused.exception)


@pytest.mark.server
def test_questions_are_printed_on_demand_alone(greffier: System, questions: Path) -> None:
    assert "prénom" not in evaluated(greffier, questions).output
    worst = evaluated(greffier, questions, "--worst", "1").stdout
    assert "\n0.00 words-" in worst
    assert "dépôt" not in worst


@pytest.mark.server
def test_the_vector_of_a_question_is_made_once(greffier: System, questions: Path) -> None:
    cached = "SELECT count(*) FROM embedding WHERE prefix = 'query: '"
    evaluated(greffier, questions)
    assert greffier.rows(cached) == [(4,)]
    evaluated(greffier, questions)
    assert greffier.rows(cached) == [(4,)]


@pytest.mark.server
def test_without_an_index_it_says_so(greffier: System, questions: Path, migrated_url: str) -> None:
    greffier.config.write_text(greffier.config.read_text("utf-8").replace(greffier.database, migrated_url), "utf-8")
    assert "there is no index yet" in str(evaluated(greffier, questions).exception)


def test_without_its_extra_it_says_what_to_install(questions: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ranx", None)
    for module in ("chains.measures", "webhooks.retrieval_report"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    refused = CliRunner().invoke(cli, ["eval", "retrieval", "--questions", str(questions)])
    assert str(refused.exception) == "ranx is missing: install Greffier with its `eval` extra"
