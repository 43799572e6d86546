"""The HTML allow-list against what a running Zammad 5.2 stored."""

from __future__ import annotations

import pytest

from tests.webhooks.demo.sandbox.recordings import load
from webhooks.demo.sandbox.sanitiser import sanitise

PAIRS = {pair["sent"]: pair["stored"] for pair in load("sanitiser_pairs")["pairs"]}

KEPT = {
    '<td style="background-color:#eee">x</td>': "HTML 5 knows no cell outside a table",
    '<table><tr><td style="background-color:#eee;color:#333;border:1px solid #ccc;padding:3px">x</td></tr></table>': (
        "HTML 5 puts rows into a tbody"
    ),
    "<p>xxxxxxxxxxxxxxxxxxxx</p></p></p>": "HTML 5 makes a paragraph of each end tag too many",
}
"""What comes out differently on purpose, since nh3 parses as browsers do, each with its reason."""


@pytest.mark.parametrize("sent", [sent for sent in PAIRS if sent not in KEPT])
def test_what_zammad_stored_is_stored(sent: str) -> None:
    assert sanitise(sent) == PAIRS[sent]


@pytest.mark.parametrize("sent", KEPT)
def test_a_kept_difference_is_still_one(sent: str) -> None:
    assert sanitise(sent) != PAIRS[sent]


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<svg><script>alert(1)</script></svg>",
        "<style>body{display:none}</style>",
        '<iframe src="https://a.example"></iframe>',
        '<img src="x" onerror="alert(1)">',
        '<img src="data:image/svg+xml;base64,PHN2Zy8+">',
    ],
)
def test_what_could_run_or_call_out_leaves_nothing(hostile: str) -> None:
    assert sanitise(hostile) == ""


def test_a_link_that_would_run_loses_its_address() -> None:
    assert "javascript" not in sanitise('<a href="javascript:alert(1)">x</a>')


def test_a_style_cannot_fetch() -> None:
    html = '<table><tbody><tr><td style="background:url(https://a.example/p.png)">x</td></tr></tbody></table>'

    assert "a.example" not in sanitise(html)


def test_an_address_in_text_cannot_leave_its_link() -> None:
    assert sanitise("https://a.example/&quot;onclick=alert(1)").count("onclick=alert(1)</a>") == 0
