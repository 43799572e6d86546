from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from connector.helpdesk import Helpdesk
from tests.connector.contract import HelpdeskContract
from tests.connector.replay import Neighbour, Reply
from tests.connector.zammad.recordings import SECRET, zammad
from webhooks.demo.sandbox import Sandbox, SandboxConfig


@dataclass
class SandboxDesk:
    """The sandbox helpdesk behind the contract's words; `receiver` is where its webhook leads."""

    sandbox: Sandbox
    receiver: Neighbour

    def write(self, title: str, text: str, *, ticket: str | None = None) -> tuple[str, str]:
        ids = self.sandbox.write_as_customer(title, text, ticket_id=int(ticket) if ticket else None)
        return str(ids[0]), str(ids[1])

    def reply(self, ticket: str, text: str) -> None:
        self.sandbox.reply_as_agent(int(ticket), text)

    def note(self, ticket: str, text: str) -> None:
        self.sandbox.note_as_agent(int(ticket), text)

    def bounce(self, ticket: str) -> None:
        robot, told = "Mail Delivery System <mailer-daemon@exemple.example>", {"is-auto-response": True}
        self.sandbox.write_as_customer(
            "Undelivered", "...", customer=robot, ticket_id=int(ticket), type="email", preferences=told
        )

    def offered(self, ticket: str) -> str | None:
        draft = self.sandbox.shared_draft(int(ticket))
        return str(draft.new_article["body"]) if draft else None

    def offered_to(self, ticket: str) -> str:
        draft = self.sandbox.shared_draft(int(ticket))
        return str(draft.new_article["to"]) if draft else ""

    def edit_offered(self, ticket: str, text: str) -> None:
        self.sandbox.edit_shared_draft(int(ticket), text)

    def delivery(self, message: str) -> tuple[dict[str, str], bytes]:
        while True:  # until the suite's own time limit
            for call in list(self.receiver.calls):
                if call.json["article"]["id"] == int(message):
                    return {name.lower(): value for name, value in call.headers.items()}, call.body
            time.sleep(0.01)

    def notes(self, ticket: str) -> list[str]:
        return [note.body for note in self.sandbox.notes(int(ticket))]

    def notified(self) -> int:
        return len(self.sandbox.store.notifications)

    def lose_next_answer(self) -> None:
        self.sandbox.faults.lost_answers = 1

    def break_down(self) -> None:
        self.sandbox.faults.api_failures = 1_000

    def revoke_key(self) -> None:
        self.sandbox.faults.tokens = "revoked"

    def let_no_key_in(self) -> None:
        self.sandbox.faults.tokens = "disabled"


class TestZammad(HelpdeskContract):
    @pytest.fixture(params=["5.2", "6.5", "7.0", "7.2"])
    def desk(self, request: pytest.FixtureRequest, server: Neighbour) -> Iterator[SandboxDesk]:
        server.on("POST", "/webhooks/mairie", Reply({}, 202))
        with Sandbox(SandboxConfig(version=request.param)).start() as sandbox:
            sandbox.webhook(f"{server.url}/webhooks/mairie", SECRET)
            yield SandboxDesk(sandbox, server)

    @pytest.fixture
    def helpdesk(self, desk: SandboxDesk) -> Helpdesk:
        return zammad(desk.sandbox.url, token=desk.sandbox.token, groups={"État civil": "draft"}, offer_draft=True)
