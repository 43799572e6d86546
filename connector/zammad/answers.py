"""What Zammad answers, as far as it is read here, and what it means in our words."""

from __future__ import annotations

from collections.abc import Iterable
from email.utils import parseaddr
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from connector.commands import command_of
from connector.errors import RemoteError
from connector.text import clean, message_text
from connector.ticket import Attachment, Channel, Command, Message, NoteRef, Person, Role, Ticket, TicketState, Touched
from connector.zammad.macros import macro_of

MARKER = "greffier"
"""The key under which Greffier signs in an article's `preferences`, which Zammad 5.2 was seen to keep unchanged."""

# Zammad's own words, the same in every language of its pages. An unknown sender is a robot: never drafted for.
_ROLES = {"Customer": Role.CUSTOMER, "Agent": Role.AGENT, "System": Role.SYSTEM}
# Every other state, also one that an admin made, counts as open: a draft too many harms nobody.
_STATES = {"closed": TicketState.CLOSED, "removed": TicketState.CLOSED, "merged": TicketState.MERGED}

# Zammad's own words for the way of an article (db/seeds/ticket_article_types.rb); the rest are social networks.
_CHANNELS = {
    "email": Channel.EMAIL,
    "web": Channel.WEB,
    "note": Channel.WEB,  # what a customer writes over the API
    "phone": Channel.PHONE,
    "fax": Channel.PHONE,
    "chat": Channel.CHAT,
    "sms": Channel.SMS,
}
_SOCIAL = ("twitter", "facebook", "telegram", "whatsapp", "wechat")

Preferences = Annotated[dict[str, Any], BeforeValidator(lambda value: value or {})]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class File(_Answer):
    """An attachment of an article; its size comes as a string."""

    id: int
    filename: str = ""
    size: int = 0
    preferences: Preferences = {}


class Article(_Answer):
    """One article of a ticket (https://docs.zammad.org/en/latest/api/ticket/articles.html)."""

    id: int
    type: str = ""
    sender: str
    internal: bool
    created_at: AwareDatetime
    created_by_id: int
    origin_by_id: int | None = None
    origin: str | None = Field(default=None, alias="from")
    reply_to: str | None = None
    subject: str | None = None
    message_id: str | None = None
    content_type: str = "text/plain"
    body: str | None = None
    preferences: Preferences = {}
    attachments: tuple[File, ...] = ()

    @property
    def role(self) -> Role:
        """Who speaks."""
        return _ROLES.get(self.sender, Role.SYSTEM)

    @property
    def channel(self) -> Channel:
        """The way by which it came."""
        return _CHANNELS.get(self.type) or (Channel.SOCIAL if self.type.startswith(_SOCIAL) else Channel.OTHER)

    @property
    def reference(self) -> str | None:
        """Of a note of ours, its mark. A customer may forge `preferences`, but not the sender."""
        marker = self.preferences.get(MARKER)
        return marker.get("reference") if self.role is not Role.CUSTOMER and isinstance(marker, dict) else None

    def note_ref(self) -> NoteRef:
        """Where it stands."""
        return NoteRef(id=str(self.id), written_at=self.created_at)


class TicketAnswer(_Answer):
    """A ticket read with `expand=true`, which gives names beside ids."""

    id: int
    title: str | None = None
    group: str
    state: str
    customer_id: int
    customer: str | None = None
    updated_at: AwareDatetime

    def touched(self) -> Touched:
        """That it has changed."""
        return Touched(str(self.id), self.group, self.updated_at)


class Account(_Answer):
    """The account that a token belongs to, `users/me`.

    `groups`, from name to rights, comes with `expand=true` only, and leaves out rights that come from a role.
    """

    id: int
    login: str = ""
    firstname: str | None = ""
    lastname: str | None = ""
    active: bool = True
    role_ids: tuple[int, ...] | None = None
    groups: Annotated[
        dict[str, tuple[str, ...]] | None, BeforeValidator(lambda value: value if isinstance(value, dict) else None)
    ] = None


_Shape = TypeVar("_Shape")


def read(shape: type[_Shape], json: Any, *, source: str) -> _Shape:
    """An answer in the shape that is expected; `source` says what was asked. Raises `RemoteError` otherwise."""
    try:
        return TypeAdapter(shape).validate_python(json)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        message = f"{source}: an unknown answer: {where}: {first['msg']}"
        raise RemoteError(message, permanent=False, status=HTTPStatus.OK) from None


def to_ticket(helpdesk: str, answer: TicketAnswer, articles: Iterable[Article], *, account_id: int) -> Ticket:
    """The ticket in our words; `account_id` is Greffier's own."""
    once = {article.id: article for article in articles}
    in_order = sorted(once.values(), key=lambda article: (article.created_at, article.id))
    messages = tuple(_message(article, account_id) for article in in_order)
    return Ticket(
        helpdesk=helpdesk,
        id=str(answer.id),
        title=clean(answer.title),
        group=answer.group,
        state=_STATES.get(answer.state, TicketState.OPEN),
        customer=_customer(answer, messages),
        messages=messages,
    )


def _message(article: Article, account_id: int) -> Message:
    by_us = article.created_by_id == account_id and article.role is not Role.CUSTOMER
    ours = by_us or MARKER in article.preferences
    text = message_text(article.body, is_html=article.content_type.startswith("text/html"))
    return Message(
        id=str(article.id),
        role=article.role,
        author=_author(article),
        text=text,
        written_at=article.created_at,
        internal=article.internal,
        automatic=article.preferences.get("is-auto-response") is True or "perform_origin" in article.preferences,
        ours=ours,
        channel=article.channel,
        command=None if ours else _command(article, text),
        reference=article.reference,
        attachments=tuple(_attachments(article.attachments)),
    )


def _command(article: Article, text: str) -> Command | None:
    """What an internal note asks of us: by a macro, in an agent's name or the system's, or in an agent's words."""
    if not article.internal or article.role is Role.CUSTOMER:
        return None
    if macro := macro_of(article.subject):
        return Command(macro.word)
    return command_of(text) if article.role is Role.AGENT else None


def _author(article: Article) -> Person:
    """`from` is a mail address with a name, or a name alone; a phone call typed by an agent comes from the caller."""
    origin = clean(article.origin)
    name, email = parseaddr(origin)
    if "@" not in email:
        name, email = origin, ""
    id = article.origin_by_id if article.role is Role.CUSTOMER else None
    return Person(id=str(id or article.created_by_id), name=name, email=email)


def _customer(answer: TicketAnswer, messages: Iterable[Message]) -> Person:
    """The ticket names the customer by login, often the mail address; the name stands in what they wrote."""
    id = str(answer.customer_id)
    known = next((message.author for message in messages if message.author.id == id), Person(id))
    login = clean(answer.customer)
    return Person(id=id, name=known.name, email=login if "@" in login else known.email)


def _attachments(files: Iterable[File]) -> Iterable[Attachment]:
    for file in files:
        if file.preferences.get("content-alternative"):
            continue  # the mail's HTML, which is the body already
        kind = file.preferences.get("Content-Type") or file.preferences.get("Mime-Type") or "application/octet-stream"
        yield Attachment(id=str(file.id), name=clean(file.filename), media_type=clean(str(kind), 100), size=file.size)
