"""What people do in the helpdesk, for tests and for the demo: each action as its page would do it."""

from __future__ import annotations

from typing import Any

from webhooks.demo.sandbox import macros
from webhooks.demo.sandbox.records import Article, Draft, NewArticle, User
from webhooks.demo.sandbox.store import Store

AGENT = "agent@valbrume.example"


class Actions:
    """A ticket that does not exist is a KeyError, a person, group or macro that does not is a ValueError."""

    store: Store

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
        reopen: bool = False,
        **fields: Any,
    ) -> tuple[int, int]:
        """A citizen's message, on a new ticket or as a follow-up: the ids of ticket and article.

        An unknown address becomes a new citizen. `fields` are those of `NewArticle`. A follow-up over the API leaves
        a closed ticket closed; by mail or in the portal it opens it again: `reopen`.
        """
        new = NewArticle(text, content_type=content_type, type=type, sender="Customer", subject=subject, **fields)
        author = self.store.customer(customer)
        if ticket_id is not None:
            return ticket_id, self._follow_up(author, ticket_id, new, reopen=reopen)
        return self._open(author, group, author, new)

    def phone_in(
        self,
        subject: str,
        text: str,
        *,
        group: str = "État civil",
        customer: str = "jeanne.vauquelin@exemple.example",
        ticket_id: int | None = None,
        agent: str = AGENT,
    ) -> tuple[int, int]:
        """A call that an agent took down, on a new ticket or as a follow-up: the ids of ticket and article."""
        new = NewArticle(text, type="phone", sender="Customer", subject=subject)
        if ticket_id is not None:
            return ticket_id, self._follow_up(self._agent(agent), ticket_id, new, reopen=True)
        return self._open(self._agent(agent), group, self.store.customer(customer), new)

    def reply_as_agent(self, ticket_id: int, text: str, *, agent: str = AGENT, **fields: Any) -> int:
        """An agent's public answer by e-mail: the id of the article. `fields` are those of `NewArticle`."""
        author, ticket = self._agent(agent), self.store.tickets[ticket_id]
        customer = self.store.users[ticket.customer_id]
        given = {"type": "email", "to": customer.email, "subject": f"Re: {ticket.title}", **fields}
        return self.store.add_article(author, ticket_id, NewArticle(text, **given)).id

    def note_as_agent(self, ticket_id: int, text: str, subject: str | None = None, *, agent: str = AGENT) -> int:
        """An agent's internal note: the id of the article."""
        new = NewArticle(text, subject=subject, internal=True)
        return self.store.add_article(self._agent(agent), ticket_id, new).id

    def run_macro(self, ticket_id: int, name: str, new_ui: bool = False, *, agent: str = AGENT) -> None:
        """Apply a macro as an agent: by the classic pages in the agent's name, by the new ones in that of System."""
        macro = self.store.objects.macros.named(name)
        if macro is None:
            raise ValueError(f"the sandbox has no macro {name!r}")
        macros.perform(self.store, macro, ticket_id, self._agent(agent), new_ui=new_ui)

    def move(self, ticket_id: int, group: str, *, agent: str = AGENT) -> None:
        """Put the ticket in another group."""
        self.store.update_ticket(self._agent(agent), ticket_id, {"group_id": self._group(group)})

    def close(self, ticket_id: int, *, agent: str = AGENT) -> None:
        """Close the ticket without a word."""
        self.store.update_ticket(self._agent(agent), ticket_id, {"state": "closed"})

    def reopen(self, ticket_id: int, *, agent: str = AGENT) -> None:
        """Open the ticket again without a word."""
        self.store.update_ticket(self._agent(agent), ticket_id, {"state": "open"})

    def merge(self, source: int, target: int, *, agent: str = AGENT) -> None:
        """Move the articles of the ticket `source` to the ticket `target`."""
        self.store.merge(self._agent(agent), source, target)

    def delete(self, ticket_id: int) -> None:
        """Take a ticket away altogether, as an admin."""
        self.store.delete_ticket(ticket_id)

    def shared_draft(self, ticket_id: int) -> Draft | None:
        """The draft that agents find ready in the ticket."""
        return self.store.drafts.get(ticket_id)

    def edit_shared_draft(self, ticket_id: int, text: str, *, agent: str = AGENT) -> Draft:
        """Save a draft as an agent, over the one that is there."""
        old = self.shared_draft(ticket_id)
        new = {**(old.new_article if old else {"type": "email", "internal": False}), "body": text}
        return self.store.write_draft(self._agent(agent), ticket_id, {**new, "content_type": "text/html"}, None)

    def discard_shared_draft(self, ticket_id: int) -> None:
        """Delete the draft as an agent; without one, nothing happens."""
        self.store.delete_draft(ticket_id)

    def send_shared_draft(self, ticket_id: int, *, agent: str = AGENT) -> int:
        """Apply the draft and send it unchanged as an agent, which deletes it: the id of the article."""
        draft = self.store.delete_draft(ticket_id)
        if draft is None:
            raise ValueError(f"ticket {ticket_id} has no shared draft")
        text = str(draft.new_article.get("body", ""))
        return self.reply_as_agent(ticket_id, text, agent=agent, content_type="text/html")

    def notes(self, ticket_id: int) -> list[Article]:
        """The ticket's internal articles, in order."""
        return [article for article in self.store.articles_of(self.store.tickets[ticket_id]) if article.internal]

    def _open(self, author: User, group: str, customer: User, new: NewArticle) -> tuple[int, int]:
        """A new ticket: its id and that of its article."""
        ticket = self.store.create_ticket(
            author, self.store.groups[self._group(group)], customer, new.subject or "", new
        )
        return ticket.id, ticket.article_ids[-1]

    def _follow_up(self, author: User, ticket_id: int, new: NewArticle, *, reopen: bool) -> int:
        closed = self.store.tickets[ticket_id].state == "closed"
        article = self.store.update_ticket(
            author, ticket_id, {"state": "open"} if closed and reopen else {}, new
        ).article
        assert article is not None  # noqa: S101 - one was given
        return article.id

    def _agent(self, login: str) -> User:
        user = self.store.user(login)
        if user is None:
            raise ValueError(f"the sandbox has no agent {login!r}")
        return user

    def _group(self, name: str) -> int:
        group = self.store.group(name)
        if group is None:
            raise ValueError(f"the sandbox has no group {name!r}")
        return group.id
