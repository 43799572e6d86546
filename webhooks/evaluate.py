"""The commands `greffier eval ...`: how good the search is that drafts are made from."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from connector.errors import ConfigurationError
from webhooks.given import settings_of

if TYPE_CHECKING:
    from chains.evaluation import Labelled, Run

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("eval")
def evaluate() -> None:
    """Measure Greffier on questions whose answers are known."""


@evaluate.command()
@click.option("--questions", "file", type=_FILE, required=True, help="JSON Lines: question, relevant, source.")
@click.option("--store", type=click.Choice(["postgres", "weaviate"]), help="Another store than the configured one.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--save", "keep", type=click.Path(path_type=Path), help="Keep what was found in this file, without the questions."
)
@click.option("--compare", type=_FILE, help="A run that --save has kept: print the differences, question by question.")
@click.option("--worst", type=click.IntRange(min=1), help="Print so many of the questions that went worst.")
@click.option("--limit", type=click.IntRange(min=1), help="Take the first so many questions of each source only.")
@click.option(
    "--embedding-cache",
    "ready",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of ready vectors; else the embedder is asked for those that the database does not have.",
)
@click.pass_context
def retrieval(
    context: click.Context,
    file: Path,
    store: str | None,
    as_json: bool,
    keep: Path | None,
    compare: Path | None,
    worst: int | None,
    limit: int | None,
    ready: Path | None,
) -> None:
    """Search for each question as a draft would, and count where the right documents are.

    A line of the file is {"question": "...", "relevant": ["F123"], "source": "..."}; a document is named by the last
    part of its id. Needs the `eval` extra. No question is written anywhere, but those that --worst prints.
    """
    try:
        from webhooks.retrieval_report import Report
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"{error.name} is missing: install Greffier with its `eval` extra") from None
    from chains.evaluation import load, read_questions, save

    questions = read_questions(file, limit)
    before = load(compare) if compare else None
    started = time.monotonic()
    run = _run(context, questions, store, ready)
    seconds = time.monotonic() - started
    if keep:
        save(run, keep)
    report = Report(questions, run)
    comparison = report.against(before) if before else None
    if as_json:
        told = report.as_json() | ({"against": comparison.as_json()} if comparison else {})
        click.echo(json.dumps(told, ensure_ascii=False))
    else:
        click.echo(f"{run.store}: {len(questions)} questions in {seconds:.0f} s\n\n{report.table()}")
        if comparison:
            click.echo(f"\nabove {compare}:\n\n{comparison.table()}")
    if worst:
        click.echo("\n" + report.worst(worst), err=as_json)


def _run(context: click.Context, questions: Sequence[Labelled], store: str | None, ready: Path | None) -> Run:
    from chains.evaluation import Run, of_drafts, search
    from webhooks import searching, wiring

    settings = settings_of(context)
    with (
        wiring.database(settings, connections=8) as pool,
        searching.measured(settings, pool, store or "", ready) as (kind, retriever),
        click.progressbar(length=len(questions), label="Searching", file=sys.stderr) as bar,
    ):
        return Run(kind, search(questions, of_drafts(retriever), lambda done: bar.update(done - bar.pos)))
