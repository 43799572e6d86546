"""Pages to sections."""

from __future__ import annotations

from contextlib import suppress

import pytest

from chains.corpora import html
from chains.corpora.html import html_sections, title_of
from tests.hostile import TOO_STEEP, growth


def blocks(markup: str) -> list[str]:
    return [block for section in html_sections(markup) for block in section.blocks]


def test_headings_are_the_path_of_what_follows() -> None:
    found = html_sections("<p>Avant</p><h2>Un</h2><p>a</p><h3>Sous</h3><p>b</p><h2><b>D</b>eux</h2>c", ("Site",))
    assert [(section.path, section.blocks) for section in found] == [
        (("Site",), ["Avant"]),
        (("Site", "Un"), ["a"]),
        (("Site", "Un", "Sous"), ["b"]),
        (("Site", "Deux"), ["c"]),
    ]


def test_items_are_lines_and_those_within_follow() -> None:
    found = blocks("<ul><li><p>un</p><p>et un</p></li><li><p>deux</p><ul><li>a</li></ul></li></ul><ol><li>x</li></ol>")
    assert found == ["- un et un", "- deux", "- a", "1. x"]


def test_a_table_is_read_row_by_row_and_an_empty_cell_keeps_its_place() -> None:
    markup = "<table><tr><th>Âge</th><th>Prix</th></tr><tr><td></td><td><p>25 €</p><p>par an</p></td></tr></table>"
    assert blocks(markup) == ["Âge | Prix", "| 25 € par an"]


def test_words_stay_whole_and_lines_stay_apart() -> None:
    assert blocks("la 1<sup>re</sup> fois,<br>l’an<b>née</b> &lt; 2\u00a0000&nbsp;€") == [
        "la 1re fois,",
        "l'année < 2 000 €",
    ]


def test_menus_scripts_and_forms_are_no_text() -> None:
    page = (
        "<html><head><title>Page &amp; titre</title><style>p{}</style></head><body><nav>Menu</nav><header>Haut</header>"
        "<main><h1>Un</h1>Corps<script>x()</script><button>Lire</button></main><footer>Bas</footer></body></html>"
    )
    assert blocks(page) == ["Corps"]
    assert title_of(page) == "Page & titre"
    assert title_of("<h1>Un <b>mot</b></h1>") == "Un mot"
    assert title_of("<p>rien</p>") == ""


@pytest.mark.parametrize("markup", ["", " ", "<!-- x", "<script>x", "<ul></ul><table><tr></tr></table><h2></h2>"])
def test_a_page_without_text_has_no_section(markup: str) -> None:
    assert html_sections(markup) == []


def test_a_page_that_is_nested_too_deeply_is_an_error() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        html_sections("<div>" * 50_000 + "x")


def test_twice_as_many_attributes_take_about_twice_the_time() -> None:
    few, many = (f"<p {' '.join(f'a{n}=1' for n in range(count))}>x</p>" for count in (20_000, 40_000))
    assert blocks(many) == ["x"]
    assert growth(blocks, few, many) < TOO_STEEP


@pytest.mark.parametrize("markup", ["<h1>", "<title", "<h1", "<!--"])
def test_a_title_that_never_ends_takes_no_time(markup: str) -> None:
    assert title_of(markup * 100_000) == ""
    assert growth(title_of, markup * 50_000, markup * 100_000) < TOO_STEEP


@pytest.mark.parametrize("part", ["<a" + "b" * 40, '<p x="', "<script", "<p x='\"", "</", "<!-"])
def test_tags_that_never_end_take_no_time(part: str) -> None:
    def read(markup: str) -> None:
        with suppress(ValueError):  # nested too deeply
            html_sections(markup)

    assert growth(read, part * 25_000, part * 50_000) < TOO_STEEP


def test_a_page_that_is_too_long_is_an_error_but_not_for_its_attributes_and_scripts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(html, "MAX_MARKUP", 1000)
    assert blocks(f"<script>{'x' * 1000}</script><p>a</p><img src='{'x' * 1000}'><p>b</p>") == ["a", "b"]
    with pytest.raises(ValueError, match="more than 1000 characters"):
        html_sections("<p>x</p>" * 126)
