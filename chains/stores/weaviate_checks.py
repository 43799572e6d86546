"""What `greffier check` says of a Weaviate: reached, key, versions, copies, room on its disks, who else is let in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from urllib.parse import urlsplit

from weaviate.collections.classes.cluster import NodeVerbose

from chains.stores.weaviate_collections import Layout
from chains.stores.weaviate_server import Connection, Server, our_errors
from connector.errors import GreffierError
from connector.ticket import Finding, Level

OLDEST = (1, 32)
"""The first version that knows aliases."""
STORE = "store"


def findings(server: Server, layout: Layout) -> Iterator[Finding]:
    """One finding a line; changes nothing, raises nothing."""
    if urlsplit(server.url).scheme == "http" and not _is_here(server):
        yield Finding(Level.WARNING, f"{STORE}.url", "the key and what is searched travel unencrypted: use https")
    try:
        with closing(Connection(server)) as connection, our_errors():
            client = connection.client()
            nodes = client.cluster.nodes(output="verbose")
            copies = [
                config.replication_config.factor
                for name, config in client.collections.list_all(simple=False).items()
                if name.startswith(f"{layout.prefix}_")
            ]
    except GreffierError as error:
        yield Finding(Level.ERROR, STORE, str(error))
        return
    yield _version(server, nodes)
    yield from _copies(nodes, layout, min(copies, default=None))
    yield from _room(nodes, layout)
    if _lets_anybody_in(server):
        message = "anybody is let in without a key: set AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED=false in Weaviate"
        yield Finding(Level.WARNING, f"{STORE}.api_key", message)


def _is_here(server: Server) -> bool:
    return urlsplit(server.url).hostname in ("localhost", "127.0.0.1", "::1")


def _version(server: Server, nodes: list[NodeVerbose]) -> Finding:
    versions = sorted({node.version for node in nodes if node.version}, key=_number)  # a node that is away has none
    told = f"Weaviate {' and '.join(versions)} at {server.url}, gRPC at {server.grpc_port}"
    if _number(versions[0]) < OLDEST:
        return Finding(Level.ERROR, STORE, f"{told}: {'.'.join(map(str, OLDEST))} or later is needed")
    return Finding(Level.OK, STORE, told)


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])


def _copies(nodes: list[NodeVerbose], layout: Layout, copies: int | None) -> Iterator[Finding]:
    """Whether there are nodes for as many copies as are wanted; `copies` is how many the index has, if there is one."""
    well = sum(node.status == "HEALTHY" for node in nodes)
    if copies not in (None, layout.replicas):
        message = f"the index has {copies} copies, not {layout.replicas}: run greffier index --anew"
        yield Finding(Level.WARNING, f"{STORE}.replicas", message)
    if layout.replicas > well:
        level = Level.ERROR if copies is None else Level.WARNING
        message = f"{layout.replicas} copies need as many nodes, and Weaviate has {well} that are well"
        yield Finding(level, f"{STORE}.replicas", message)
    of = copies or layout.replicas
    needed = {"one": 1, "quorum": of // 2 + 1, "all": of}[layout.consistency]
    if well < needed:
        message = f"{layout.consistency} of {of} copies needs {needed} nodes, and {well} are well"
        yield Finding(Level.ERROR, f"{STORE}.consistency", message)


def _room(nodes: list[NodeVerbose], layout: Layout) -> Iterator[Finding]:
    """A Weaviate whose disk fills up makes itself read-only: what is there is found, nothing new comes in."""
    for node in nodes:
        ours = [shard for shard in node.shards if shard.collection.startswith(f"{layout.prefix}_")]
        if any(shard.vector_indexing_status == "READONLY" for shard in ours):
            message = f"its node {node.name} is read-only: its disk or memory is full, make room there"
            yield Finding(Level.ERROR, STORE, f"{message}; drafts are made, but greffier index fails")


def _lets_anybody_in(server: Server) -> bool:
    try:
        with closing(Connection(replace(server, api_key=""))) as connection, our_errors():
            connection.client().collections.list_all(simple=True)
    except GreffierError:
        return False
    return True
