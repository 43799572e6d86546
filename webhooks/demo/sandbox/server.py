"""The sandbox as a whole: built from its configuration, served in a thread or by a process of its own."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from webhooks.demo.sandbox import shapes
from webhooks.demo.sandbox.api import create_api
from webhooks.demo.sandbox.faults import Faults
from webhooks.demo.sandbox.page import create_page
from webhooks.demo.sandbox.records import Article, NewArticle, User
from webhooks.demo.sandbox.store import Store, utc_now
from webhooks.demo.sandbox.webhook import Deliveries, Webhook


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """Who and what is there at the start. People are given as `First Last <address>`."""

    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    """The token of the AI account."""
    account: str = "Greffier (IA) <greffier@valbrume.example>"
    """The AI account: it reads and changes tickets of `groups`, and nothing else."""
    groups: tuple[str, ...] = ("État civil", "Urbanisme")
    other_groups: tuple[str, ...] = ("Ressources humaines",)
    """Groups that the AI account has no access to."""
    agents: tuple[str, ...] = (
        "Noémie Lefèvre <agent@valbrume.example>",
        "Claire Morand <claire.morand@valbrume.example>",
    )
    """They have full access to every group, so that Zammad tells them of every article."""
    citizens: tuple[str, ...] = (
        "Jeanne Vauquelin <jeanne.vauquelin@exemple.example>",
        "Lucien Béraud <lucien.beraud@exemple.example>",
        "Irène Péguy <irene.peguy@exemple.example>",
        "Emily Carter <emily.carter@exemple.example>",
    )
    webhooks: tuple[Webhook, ...] = ()
    clock: Callable[[], datetime] = utc_now


class Sandbox:
    """A helpdesk that speaks as Zammad 5.2. Use it as a context manager, or `start` and `stop` it.

    `faults` makes things go wrong, `store` is what it holds, `tokens` gives each login's API token, `app` is the
    Flask application for a server of one's own.
    """

    def __init__(self, config: SandboxConfig | None = None) -> None:
        config = config or SandboxConfig()
        self.faults = Faults()
        self.store = Store(config.clock)
        self.tokens: dict[str, str] = {}
        self.token = config.token
        self.url = "http://localhost"
        self.deliveries = Deliveries(self._delivery, self.faults)
        self.deliveries.webhooks += config.webhooks
        self._server: BaseWSGIServer | None = None
        self._populate(config)
        self.store.listeners.append(self.deliveries.announce)
        self.app = self._create_app()

    def _populate(self, config: SandboxConfig) -> None:
        covered = [self.store.add_group(name).id for name in config.groups]
        everything = covered + [self.store.add_group(name).id for name in config.other_groups]
        for person in config.agents:
            self._add_user(person, ("Agent",), dict.fromkeys(everything, ("full",)))
        self.account = self._add_user(
            config.account, ("Agent",), dict.fromkeys(covered, ("read", "change")), config.token
        )
        for person in config.citizens:
            self._add_user(person, ("Customer",))

    def _add_user(
        self, person: str, roles: tuple[str, ...], access: dict[int, tuple[str, ...]] | None = None, token: str = ""
    ) -> User:
        token = token or secrets.token_urlsafe(24)
        user = self.store.add_user(person, roles, access, token)
        self.tokens[user.login] = token
        return user

    def _create_app(self) -> Flask:
        app = Flask("webhooks.demo.sandbox")
        app.json.ensure_ascii = False  # type: ignore[attr-defined]
        app.json.sort_keys = False  # type: ignore[attr-defined]
        app.json.mimetype = "application/json; charset=utf-8"  # type: ignore[attr-defined]
        app.register_blueprint(create_api(self.store, self.faults), url_prefix="/api/v1")
        app.register_blueprint(create_page(self.store, self.account))
        return app

    def _delivery(self, ticket_id: int, article_id: int) -> bytes | None:
        return shapes.delivery(self.store, ticket_id, article_id, self.url)

    def start(self, port: int = 0, host: str = "127.0.0.1") -> Self:
        """Serve from a thread; port 0 takes a free one, `url` says which."""
        self._server = make_server(host, port, self.app, threaded=True, request_handler=_Quiet)
        self.url = f"http://{host}:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Stop serving, and send nothing any more."""
        self.deliveries.stop()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> Self:
        return self if self._server else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def webhook(self, url: str, secret: str = "", **trigger: Any) -> None:
        """Send events there; `trigger` as in `Webhook`: by default customers' public articles fire."""
        self.deliveries.webhooks.append(Webhook(url, secret, **trigger))

    def write_as_customer(
        self,
        subject: str,
        text: str,
        *,
        group: str = "État civil",
        customer: str = "jeanne.vauquelin@exemple.example",
        ticket_id: int | None = None,
        content_type: str = "text/plain",
        type: str = "web",
        **fields: Any,
    ) -> tuple[int, int]:
        """A citizen's message, on a new ticket or as a follow-up: the ids of ticket and article.

        An unknown address becomes a new citizen. `fields` are those of `NewArticle`.
        """
        new = NewArticle(text, content_type=content_type, type=type, sender="Customer", subject=subject, **fields)
        author = self.store.customer(customer)
        if ticket_id is not None:
            return ticket_id, self.store.add_article(author, ticket_id, new).id
        found = self.store.group(group)
        if found is None:
            raise ValueError(f"the sandbox has no group {group!r}")
        ticket = self.store.create_ticket(author, found, author, subject, new)
        return ticket.id, ticket.article_ids[-1]

    def reply_as_agent(self, ticket_id: int, text: str, *, agent: str = "agent@valbrume.example") -> int:
        """An agent's public answer by e-mail: the id of the article."""
        author = self.store.user(agent)
        if author is None:
            raise ValueError(f"the sandbox has no agent {agent!r}")
        ticket = self.store.tickets[ticket_id]
        customer = self.store.users[ticket.customer_id]
        new = NewArticle(text, type="email", to=customer.email, subject=f"Re: {ticket.title}")
        return self.store.add_article(author, ticket_id, new).id

    def notes(self, ticket_id: int) -> list[Article]:
        """The ticket's internal articles, in order."""
        return [article for article in self.store.articles_of(self.store.tickets[ticket_id]) if article.internal]


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def create_sandbox(config: SandboxConfig | None = None) -> Flask:
    """The helpdesk as a Flask application."""
    return Sandbox(config).app
