"""What Prometheus would read."""

from __future__ import annotations

import requests


def scrape(url: str) -> dict[str, float]:
    """The samples of a page, by their names with labels: `name{label="value"}`."""
    page = requests.get(f"{url}/metrics", timeout=30)
    assert page.status_code == 200, page.status_code
    assert page.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = (line.rpartition(" ") for line in page.text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}
