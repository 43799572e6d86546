"""What the chain said, as an internal note in the agent's language."""

from __future__ import annotations

import gettext
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from chains.draft import Abstention, AbstentionReason, Draft, Passage, Statement, Warning
from chains.triage import SkipReason
from connector.markup import is_web_address
from connector.ticket import Line, Note, Span
from webhooks.config.drafting import ReplySettings
from webhooks.freshness import Freshness

STOPPED, UNKNOWN_COMMAND = "stopped", "unknown_command"
"""What a command that leads to no draft ends with, beside the reasons of triage."""
TOLD_IN_MONTHS = 60
"""Days from which an age is told in months."""
LOCALE = Path(__file__).parent / "locale"
_Text = Callable[[str], str]
_Stale = Mapping[str, Sequence[str]]
"""What is wrong with sheets that may be out of date, in words, by document."""


@dataclass(frozen=True)
class Writer:
    """Writes what agents read in `language` (`fr` or `en`); a draft within it stays in its own language."""

    language: str
    reply: ReplySettings
    freshness: Freshness = field(default_factory=Freshness)

    def answer(self, answer: Draft | Abstention, reference: str, asked_in: str, replaces: str | None = None) -> Note:
        """The note of an answer. `asked_in` is the language of the question, `replaces` the mark of an older note."""
        _ = translator(self.language)
        if isinstance(answer, Abstention):
            return _abstention(answer, reference, self.language, _)
        stale = _stale(_sheets(answer), self.freshness, _)
        return Note(
            reference=reference,
            subject=_("AI-generated: draft reply"),
            banner=tuple(_banner(answer, asked_in, replaces, stale, _)),
            body=tuple(_body(answer, self.reply)),
            sources=tuple(_source(number, sheet, stale, _) for number, sheet in enumerate(_sheets(answer), 1)),
            footer=((Span(" · ".join((answer.model, _("prompt {}").format(answer.prompt_version), reference))),),),
            reply=tuple(_clean(answer, self.reply)),
            language=self.language,
        )

    def notice(self, reference: str, reason: str, word: str = "") -> Note:
        """One line: why a command leads to no draft, or what the commands are."""
        _ = translator(self.language)
        unknown = _("Greffier does not know “{}”.").format(word[:40])
        usage = _("`@greffier encore <instruction>`: another draft; `@greffier stop`: no more drafts in this ticket.")
        texts = {
            STOPPED: _("Greffier drafts nothing more in this ticket. `@greffier encore` starts it again."),
            UNKNOWN_COMMAND: f"{unknown} {usage}" if word else usage,
            SkipReason.NOTHING_ASKED: _("No other draft: no message of a citizen waits in this ticket."),
            SkipReason.TICKET_CLOSED: _("No other draft: the ticket is closed."),
        }
        text = texts.get(reason, _("No other draft: {}.").format(reason))
        return Note(
            reference=reference,
            subject=_("Greffier: answer to a command"),
            banner=((Span(f"{text} ({reference})"),),),
            language=self.language,
        )


def translator(language: str) -> _Text:
    """The function that translates our texts; they are written in English in the code."""
    return gettext.translation("greffier", LOCALE, [language], fallback=language == "en").gettext


def _abstention(answer: Abstention, reference: str, language: str, _: _Text) -> Note:
    """Two lines that cannot be taken for an answer."""
    reasons = {
        AbstentionReason.NO_SOURCE: _("No official sheet was found that is near enough to this message."),
        AbstentionReason.NOTHING_STANDS: _(
            "What the AI wrote could not be tied to an official sheet: nothing is kept."
        ),
    }
    return Note(
        reference=reference,
        subject=_("AI-generated: no draft"),
        banner=(
            (Span(_("AI-generated · No draft for this message: it needs an agent's own answer"), strong=True),),
            (Span(f"{reasons[answer.reason]} ({reference})"),),
        ),
        language=language,
    )


def _banner(draft: Draft, asked_in: str, replaces: str | None, stale: _Stale, _: _Text) -> Iterator[Line]:
    yield (Span(_("AI-generated · Draft reply prepared by an AI, to be reviewed before sending"), strong=True),)
    if replaces:
        yield (Span(_("It replaces the draft {}, which is superseded.").format(replaces)),)
    if asked_in != draft.language:
        yield (Span(_("The message is in another language than this draft.")),)
    doubts = [doubt for statement in draft.statements for doubt in _doubts(statement, _)]
    for sheet in _sheets(draft):
        doubts += [_("“{}”: {}.").format(sheet.title, fault) for fault in stale.get(sheet.document, ())]
    for doubt in dict.fromkeys(doubts):
        yield (Span(_("⚠ To check: "), strong=True), Span(doubt))


def _doubts(statement: Statement, _: _Text) -> Iterator[str]:
    """What an agent should look at in a statement, in words."""
    for run in statement.doubtful:
        yield _("“{}” is in none of the sheets cited.").format(run)
    texts = {
        Warning.NO_SOURCE: _("“{}” is tied to no sheet."),
        Warning.LINK_REMOVED: _("an address was taken out of “{}”."),
        Warning.CUT: _("“{}” is cut short."),
        Warning.LANGUAGE: _("“{}” is in another language."),
    }
    for warning in statement.warnings:
        if warning in texts:
            yield texts[warning].format(_short(statement.text))


def _short(text: str, length: int = 60) -> str:
    return text if len(text) <= length else f"{text[:length].rsplit(' ', 1)[0]}…"


def _body(draft: Draft, reply: ReplySettings) -> Iterator[Line]:
    """The text to send: what follows each other from the same sheets makes a paragraph."""
    yield from _plain(reply.greeting)
    for _same, statements in groupby(draft.statements, key=lambda statement: _cited(statement, draft)):
        yield tuple(span for statement in statements for span in (*_statement(statement, draft), Span(" ")))
    yield from _plain(reply.closing)
    yield from _plain(reply.signature)
    yield from _plain(reply.mention)


def _clean(draft: Draft, reply: ReplySettings) -> Iterator[Line]:
    """What the agent would send: without the numbers, with the sheets' links at the end. Doubts stay marked."""
    yield from _plain(reply.greeting)
    for _same, statements in groupby(draft.statements, key=lambda statement: _cited(statement, draft)):
        yield tuple(span for statement in statements for span in (*_text(statement), Span(" ")))
    public = [sheet for sheet in _sheets(draft) if is_web_address(sheet.url)]  # the others' titles are for agents
    if public and reply.links.strip():
        lines = [(Span(reply.links.strip()),), *((Span("- "), Span(s.title, href=s.url)) for s in public)]
        yield tuple(span for line in lines for span in (*line, Span("\n")))[:-1]
    yield from _plain(reply.closing)
    yield from _plain(reply.signature)
    yield from _plain(reply.mention)


def _plain(text: str) -> Iterator[Line]:
    if text.strip():
        yield (Span(text.strip()),)


def _statement(statement: Statement, draft: Draft) -> Iterator[Span]:
    yield from _text(statement)
    for number, sheet in enumerate(_sheets(draft), 1):
        if sheet.document in _cited(statement, draft):
            yield Span(" ")
            yield Span(f"[{number}]", href=sheet.url)


def _text(statement: Statement) -> Iterator[Span]:
    marked = bool({Warning.NO_SOURCE, Warning.CUT, Warning.LANGUAGE} & set(statement.warnings))
    yield from [Span(statement.text, marked=True)] if marked else _with_doubts(statement.text, statement.doubtful)


def _cited(statement: Statement, draft: Draft) -> set[str]:
    return {draft.passages[index].document for index in statement.passages}


def _sheets(draft: Draft) -> list[Passage]:
    """One passage of each sheet, in the order in which they are cited: an agent is shown sheets, not passages."""
    first: dict[str, Passage] = {}
    for passage in draft.passages:
        first.setdefault(passage.document, passage)
    return list(first.values())


def _with_doubts(text: str, doubtful: tuple[str, ...]) -> Iterator[Span]:
    """The text, with the runs that nothing proves marked; they come in the order in which they stand."""
    for run in doubtful:
        before, found, after = text.partition(run)
        if found:
            yield from [Span(before)] if before else []
            yield Span(run, marked=True)
            text = after
    if text:
        yield Span(text)


def _source(number: int, passage: Passage, stale: _Stale, _: _Text) -> Line:
    date = passage.date and _("updated on {}").format(passage.date.strftime(_("%Y-%m-%d")))
    line = (Span(f"[{number}] "), Span(passage.title, href=passage.url), Span(f", {date}" if date else ""))
    flags = (_("{}: to check").format(fault) for fault in stale.get(passage.document, ()))
    return line + tuple(span for flag in flags for span in (Span(" · "), Span(flag, marked=True)))


def _stale(sheets: Sequence[Passage], freshness: Freshness, _: _Text) -> _Stale:
    gone = freshness.gone([sheet.url for sheet in sheets])
    return {sheet.document: list(_faults(freshness.too_old(sheet), sheet.url in gone, _)) for sheet in sheets}


def _faults(limit: int | None, gone: bool, _: _Text) -> Iterator[str]:
    if limit is not None and limit >= TOLD_IN_MONTHS:
        yield _("updated more than {} months ago").format(limit // 30)
    elif limit is not None:
        yield _("updated more than {} days ago").format(limit)
    if gone:
        yield _("its page is no longer there")
