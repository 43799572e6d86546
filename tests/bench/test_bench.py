"""That the benchmarks run and count; what they find is for a quiet machine, and no test's business."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.bench import retrieval
from tests.bench.__main__ import PARTS, main
from tests.bench.figures import Result, Target
from tests.chains.index_doubles import ready_vectors
from webhooks.demo.corpus import FEED, read_vectors


@pytest.mark.server
@pytest.mark.parametrize("name", PARTS)
def test_each_part_counts_what_it_is_asked_to(name: str, postgres_server: str) -> None:
    found = PARTS[name][True](postgres_server)
    figures = [value for row in found.rows for value in row.values() if isinstance(value, float)]
    assert figures
    assert min(figures) > 0
    assert all(target.figure > 0 for target in found.targets)
    if name == "saturation":
        assert max(target.figure for target in found.targets) < 1.05, "no server gives more than its slots can"


@pytest.mark.server
def test_the_command_tells_them_as_json_or_as_a_table() -> None:
    told = json.loads(CliRunner().invoke(main, ["own", "--short", "--json"]).stdout)
    assert told["results"][0]["rows"][0]["ms a draft"] == "own time"


def test_a_result_is_a_table_to_paste() -> None:
    result = Result("Name", "How.", ({"what": "a", "figure": 1234.5},), (Target("speed", 0.9, 0.8, at_least=True),))
    assert "| what | figure |\n| --- | --- |\n| a | 1,234 |" in result.markdown("make bench")
    assert "- speed: 0.9, target at least 0.8: met" in result.markdown("make bench")


@pytest.mark.server
@pytest.mark.model
def test_the_search_is_told_beside_simpler_ones(tmp_path: Path) -> None:
    ready_vectors(tmp_path, read_vectors(), {})
    question = {"question": "Comment refaire un passeport ?", "relevant": ["F14929"], "source": "mails"}
    (tmp_path / "questions.jsonl").write_text(json.dumps(question), "utf-8")
    places = ["--corpus", str(FEED), "--data", str(tmp_path / "data"), "--embedding-cache", str(tmp_path)]
    done = CliRunner().invoke(
        retrieval.main,
        ["--questions", str(tmp_path / "questions.jsonl"), *places, "--embed", "none", "--json"],
        catch_exceptions=False,
    )
    told = json.loads(done.stdout)
    assert told["index"]["passages"] == told["index"]["vectors"] > 500
    assert list(told["systems"]) == ["BM25, passages", "nearest vectors", "the floor", "Greffier"]
    assert told["systems"]["Greffier"]["sources"]["mails"]["n"] == 1
    assert told["systems"]["BM25, passages"]["above_floor"]["all"]["n"] == 1
