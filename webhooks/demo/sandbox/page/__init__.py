"""The helpdesk's web page, for people: whoever opens it writes as a citizen and works as an agent."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, request

from webhooks.demo.sandbox.page import acts, drafts, lists, tickets, views
from webhooks.demo.sandbox.page.access import Page

__all__ = ["Page", "create_page"]

# Notes carry the few inline styles that Zammad lets through: attributes may style, elements may not.
_POLICY = (
    "default-src 'self'; style-src-attr 'unsafe-inline'; object-src 'none'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'"
)


def create_page() -> Blueprint:
    """The blueprint, for an application whose extension `page` is a `Page`."""
    page = Blueprint("page", __name__, template_folder="templates", static_folder="static")
    page.add_app_template_filter(views.day, "day")
    page.add_app_template_filter(views.body, "body")
    page.add_app_template_filter(views.STATES.__getitem__, "state")
    page.before_request(_refuse_other_sites)
    page.after_request(_protect)
    for part in (lists, tickets, drafts, acts):
        page.register_blueprint(part.routes)
    return page


def _refuse_other_sites() -> None:
    if request.method == "POST" and not _same_origin():
        abort(403)


def _protect(answer: Response) -> Response:
    answer.headers["Content-Security-Policy"] = _POLICY
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


def _same_origin() -> bool:
    """Whether the form was sent from this page; whoever sends no such header is no browser."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host
