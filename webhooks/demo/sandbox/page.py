"""The helpdesk's web page, for people: whoever opens it writes as a citizen and answers as an agent."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from markupsafe import Markup, escape
from werkzeug.wrappers import Response as Answer

from webhooks.demo.sandbox.records import Article, NewArticle, Ticket, User
from webhooks.demo.sandbox.sanitiser import sanitise
from webhooks.demo.sandbox.store import Store

STATES = {
    "new": "Nouvelle",
    "open": "En cours",
    "pending reminder": "En attente",
    "closed": "Close",
    "merged": "Fusionnée",
}
_MONTHS = ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."]
LONGEST_TEXT = 20_000

# Notes carry the few inline styles that Zammad lets through: attributes may style, elements may not.
_POLICY = (
    "default-src 'self'; style-src-attr 'unsafe-inline'; object-src 'none'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'"
)


def create_page(store: Store, account: User) -> Blueprint:
    """The blueprint of the page; `account` is the AI account, whose notes are named as such."""
    page = Blueprint("page", __name__, template_folder="templates", static_folder="static")
    page.add_app_template_filter(_day, "day")
    page.add_app_template_filter(_body, "body")
    page.add_app_template_filter(STATES.__getitem__, "state")

    def view(article: Article) -> dict[str, Any]:
        return _view(article, store.users[article.created_by_id], account)

    def conversation(ticket: Ticket, status: int = 200, **form: Any) -> tuple[str, int]:
        return render_template(
            "ticket.html",
            ticket=ticket,
            group=store.groups[ticket.group_id].name,
            customer=store.users[ticket.customer_id],
            articles=[view(article) for article in store.articles_of(ticket)],
            form=form,
        ), status

    def rows() -> list[dict[str, Any]]:
        tickets = sorted(store.tickets.values(), key=lambda ticket: (ticket.updated_at, ticket.id), reverse=True)
        return [_row(store, ticket, account) for ticket in tickets]

    def find(ticket_id: int) -> Ticket:
        return store.tickets.get(ticket_id) or abort(404)

    @page.before_request
    def refuse_other_sites() -> None:
        if request.method == "POST" and not _same_origin():
            abort(403)

    @page.after_request
    def protect(answer: Response) -> Response:
        answer.headers["Content-Security-Policy"] = _POLICY
        answer.headers["X-Content-Type-Options"] = "nosniff"
        answer.headers["Referrer-Policy"] = "no-referrer"
        return answer

    @page.get("/")
    def index() -> str:
        return render_template("index.html", version=store.version, tickets=rows())

    @page.get("/liste")
    def changed_list() -> str | tuple[str, int]:
        version = store.version
        if request.args.get("apres", type=int) == version:
            return "", 204
        return render_template("_tickets.html", version=version, tickets=rows())

    @page.route("/nouvelle", methods=["GET", "POST"])
    def new_ticket() -> str | tuple[str, int] | Answer:
        citizens = [user for user in list(store.users.values()) if "Customer" in user.roles]
        values = {"citizens": citizens, "groups": list(store.groups.values()), "form": request.form}
        if request.method == "GET":
            return render_template("new.html", **values)
        customer, group = store.user(request.form.get("usager", "")), store.group(request.form.get("groupe", ""))
        subject, text = _field("objet")[:200], _field("texte")
        if customer is None or group is None or not subject or not text:
            return render_template("new.html", error=True, **values), 422
        new = NewArticle(text, type="web", sender="Customer", subject=subject)
        ticket = store.create_ticket(customer, group, customer, subject, new)
        return _shown(ticket.id, ticket.article_ids[-1])

    @page.get("/tickets/<int:ticket_id>")
    def show(ticket_id: int) -> tuple[str, int]:
        return conversation(find(ticket_id))

    @page.get("/tickets/<int:ticket_id>/suite")
    def following(ticket_id: int) -> str | tuple[str, int]:
        after = request.args.get("apres", default=0, type=int)
        articles = [view(article) for article in store.articles_of(find(ticket_id)) if article.id > after]
        return render_template("_articles.html", articles=articles) if articles else ("", 204)

    @page.post("/tickets/<int:ticket_id>/usager")
    def write_as_citizen(ticket_id: int) -> tuple[str, int] | Answer:
        ticket, text = find(ticket_id), _field("texte")
        if not text:
            return conversation(ticket, 422, error="usager")
        new = NewArticle(text, type="web", sender="Customer")
        return _shown(ticket_id, store.add_article(store.users[ticket.customer_id], ticket_id, new).id)

    @page.post("/tickets/<int:ticket_id>/agent")
    def reply_as_agent(ticket_id: int) -> tuple[str, int] | Answer:
        ticket, text = find(ticket_id), _field("texte")
        if not text:
            return conversation(ticket, 422, error="agent")
        agent = next(user for user in list(store.users.values()) if "full" in user.rights.get(ticket.group_id, ()))
        to = store.users[ticket.customer_id].email
        new = NewArticle(text, type="email", to=to, subject=f"Re: {ticket.title}")
        return _shown(ticket_id, store.add_article(agent, ticket_id, new).id)

    return page


def _same_origin() -> bool:
    """Whether the form was sent from this page; whoever sends no such header is no browser."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host


def _field(name: str) -> str:
    return request.form.get(name, "").strip()[:LONGEST_TEXT].replace("\r\n", "\n")


def _shown(ticket_id: int, article_id: int) -> Answer:
    return redirect(url_for("page.show", ticket_id=ticket_id, _anchor=f"message-{article_id}"), 303)


def _view(article: Article, author: User, account: User) -> dict[str, Any]:
    """What the conversation shows of an article: its kind decides side, frame and label."""
    kind = "note" if article.internal else "usager" if article.sender == "Customer" else "agent"
    labels = {"note": "Note interne", "usager": "Usager", "agent": "Réponse publique"}
    seen = {"note": "visible des agents seulement", "usager": "reçu par le guichet", "agent": "visible de l’usager"}
    return {
        "article": article,
        "author": author.fullname,
        "kind": kind,
        "label": labels[kind],
        "seen": seen[kind],
        "is_ai": author.id == account.id,
    }


def _row(store: Store, ticket: Ticket, account: User) -> dict[str, Any]:
    articles = store.articles_of(ticket)
    return {
        "ticket": ticket,
        "group": store.groups[ticket.group_id].name,
        "customer": store.users[ticket.customer_id].fullname,
        "messages": sum(not article.internal for article in articles),
        "has_note": any(article.internal and article.created_by_id == account.id for article in articles),
    }


def _day(moment: datetime) -> str:
    """A moment as French readers write it, in the time of the machine."""
    local = moment.astimezone()
    return f"{local.day} {_MONTHS[local.month - 1]} {local.year} à {local:%H:%M}"


def _body(article: Article) -> Markup:
    """What an article says, safe to show: text is escaped, and HTML cleaned once more."""
    if article.content_type == "text/html":
        return Markup(sanitise(article.body))  # noqa: S704
    return escape(article.body)
