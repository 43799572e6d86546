"""`python -m tests.bench [PART...]`, or `make bench ARGS="intake"`: run the benchmarks and print what they found."""

from __future__ import annotations

import json
import logging
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click

from tests.bench import intake, memory, own, saturation
from tests.bench.figures import Result, machine
from webhooks.running import postgres

Part = Callable[[str], Result]
PARTS: dict[str, tuple[Part, Part]] = {
    "intake": (intake.measure, lambda server: intake.measure(server, blocks=2, size=40)),
    "own": (own.measure, lambda server: own.measure(server, drafts=12, warm=3)),
    "saturation": (saturation.measure, lambda server: saturation.measure(server, saturation.SHORT)),
    "memory": (memory.measure, lambda server: memory.measure(server, deliveries=20, drafts=10)),
}
"""Each part as it is, and so short that it only shows that it works. It is given the address of a PostgreSQL."""


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(list(PARTS)))
@click.option("--short", is_flag=True, help="So little that the figures mean nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of Markdown.")
def main(parts: tuple[str, ...], short: bool, as_json: bool) -> None:
    """Measure Greffier on this machine: all PARTS, or those that are named."""
    with _postgres() as server:
        where = machine(server)
        if not as_json:
            click.echo(f"{where}\n")
        results = []
        for name in parts or PARTS:
            click.echo(f"measuring: {name}", err=True)
            results.append(PARTS[name][short](server))
            if not as_json:
                click.echo(results[-1].markdown(f'make bench ARGS="{name}"') + "\n")
    if as_json:
        click.echo(json.dumps({"machine": where, "results": [asdict(one) for one in results]}, ensure_ascii=False))
    missed = [target for one in results for target in one.targets if not target.is_met]
    sys.exit(1 if missed and not short else 0)


@contextmanager
def _postgres() -> Iterator[str]:
    """The address of a PostgreSQL of our own, as the demo starts it."""
    with tempfile.TemporaryDirectory(prefix="greffier-bench-") as folder, postgres.running(Path(folder)):
        yield postgres.address(Path(folder), "postgres")


if __name__ == "__main__":
    logging.getLogger("greffier").setLevel(logging.ERROR)
    main()
