"""The sandbox as a whole: built from its configuration, served in a thread or by a process of its own."""

from __future__ import annotations

import secrets
import threading
from email.utils import parseaddr
from functools import partial
from types import TracebackType
from typing import Any, Self

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from webhooks.demo.sandbox import payload, set_up, triggers
from webhooks.demo.sandbox.actions import Actions
from webhooks.demo.sandbox.api import Desk, create_api
from webhooks.demo.sandbox.config import SandboxConfig
from webhooks.demo.sandbox.faults import Faults
from webhooks.demo.sandbox.page import Page, create_page
from webhooks.demo.sandbox.records import Access, User
from webhooks.demo.sandbox.store import Store
from webhooks.demo.sandbox.versions import VERSIONS
from webhooks.demo.sandbox.webhook import Deliveries, Webhook


class Sandbox(Actions):
    """A helpdesk that speaks as Zammad. Use it as a context manager, or `start` and `stop` it.

    `faults` makes things go wrong, `store` is what it holds, `tokens` gives each login's API token, `app` is the
    Flask application for a server of one's own. `token` is the AI account's, `admin_token` the admin's.
    """

    def __init__(self, config: SandboxConfig | None = None) -> None:
        config = config or SandboxConfig()
        self.faults = Faults()
        self.store = Store(config.clock, VERSIONS[config.version])
        self.tokens: dict[str, str] = {}
        self.token = config.token
        self.url = "http://localhost"
        self.deliveries = Deliveries(self._body, self.faults, self.store.zammad, partial(triggers.fired, self.store))
        self.deliveries.webhooks += config.webhooks
        self._server: BaseWSGIServer | None = None
        self._populate(config)
        self.admin_token = self.tokens[self.admin.login]
        self.store.listeners.append(self.deliveries.announce)
        self.app = self._create_app()

    def _populate(self, config: SandboxConfig) -> None:
        covered = [self.store.add_group(name).id for name in config.groups]
        everything = covered + [self.store.add_group(name).id for name in config.other_groups]
        full: Access = dict.fromkeys(everything, ("full",))
        admin = parseaddr(config.admin)[1]
        for person in config.agents:
            also = ("Admin",) if parseaddr(person)[1] == admin else ()
            self._add_user(config, person, (*also, "Agent"), full)
        self.account = self._add_user(config, config.account, ("Agent",), dict.fromkeys(covered, ("read", "change")))
        for person in config.citizens:
            self._add_user(config, person, ("Customer",))
        self.admin = self.store.user(admin) or self._add_user(config, config.admin, ("Admin",))
        self._covered = tuple(covered)

    def _add_user(
        self, config: SandboxConfig, person: str, roles: tuple[str, ...], access: Access | None = None
    ) -> User:
        user, token = self.store.add_user(person, roles, access), secrets.token_urlsafe(24)
        if person == config.account:
            token = config.token
        self.store.add_token(token, user, permissions=("ticket.agent",) if person == config.account else None)
        self.store.passwords[user.id] = config.password
        self.tokens[user.login] = token
        return user

    def _create_app(self) -> Flask:
        app = Flask("webhooks.demo.sandbox", static_folder=None)  # the page has its own
        app.json.ensure_ascii = False  # type: ignore[attr-defined]
        app.json.sort_keys = False  # type: ignore[attr-defined]
        app.json.mimetype = "application/json; charset=utf-8"  # type: ignore[attr-defined]
        app.extensions["sandbox"] = Desk(self.store, self.faults, self.deliveries)
        app.register_blueprint(create_api(), url_prefix="/api/v1")
        app.extensions["page"] = Page(self, self.account)
        app.register_blueprint(create_page())
        return app

    def _body(self, ticket_id: int, article_id: int | None, template: str | None) -> bytes | None:
        return payload.delivery(self.store, ticket_id, article_id, self.url, template)

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

    def set_up(self, url: str, secret: str = "") -> None:
        """Set up what Greffier wants of a Zammad: a webhook, the five triggers that call it, two macros and a tag.

        The triggers tell of customers' messages, agents' public answers, requests by macro, tickets that change their
        group, and notes with `@greffier`. The objects are the admin's, as if made over the API.
        """
        set_up.create(self.store, self.admin, self.account, self._covered, url, secret)


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def create_sandbox(config: SandboxConfig | None = None) -> Flask:
    """The helpdesk as a Flask application."""
    return Sandbox(config).app
