"""That the benchmarks run and count; what they find is for a quiet machine, and no test's business."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from tests.bench.__main__ import PARTS, main
from tests.bench.figures import Result, Target


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
