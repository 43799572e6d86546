"""The pictures of the documentation: each can be taken anew, is shown somewhere, and is said in words."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import browser
from tests.conftest import FIXTURES

IMAGES = FIXTURES.parents[1] / "docs" / "images"
SHOWN = re.compile(r"!\[([^\]]*)\]\(images/([^)]+)\)")


@pytest.mark.server
@pytest.mark.model
@pytest.mark.browser
@pytest.mark.skipif(browser.chromium() is None, reason=browser.MISSING)
def test_the_pictures_can_be_taken_anew(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "tests.screenshots", str(tmp_path)], check=True, timeout=240)

    taken = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert taken.keys() == {path.name for path in IMAGES.iterdir()}
    assert max(taken.values()) < 160_000


def test_each_picture_is_shown_and_said_in_words() -> None:
    shown = [found for page in IMAGES.parent.glob("*.md") for found in SHOWN.findall(page.read_text("utf-8"))]

    assert {name for _, name in shown} == {path.name for path in IMAGES.iterdir()}
    assert [name for words, name in shown if len(words) < 20] == []
