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
            ours = {
                name: config.replication_config.factor
                for name, config in client.collections.list_all(simple=False).items()
                if name.startswith(f"{layout.prefix}_")
            }
    except GreffierError as error:
        yield Finding(Level.ERROR, STORE, str(error))
        return
    yield _version(server, nodes)
    yield from _copies(nodes, layout, min(ours.values(), default=layout.replicas))
    yield from _room(nodes, layout)
    if _lets_anybody_in(server):
        message = "anybody is let in without a key: set AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED=false in Weaviate"
        yield Finding(Level.WARNING, f"{STORE}.api_key", message)


def _is_here(server: Server) -> bool:
    return urlsplit(server.url).hostname in ("localhost", "127.0.0.1", "::1")


def _version(server: Server, nodes: list[NodeVerbose]) -> Finding:
    versions = sorted({node.version for node in nodes}, key=_number)
    told = f"Weaviate {' and '.join(versions)} at {server.url}, gRPC at {server.grpc_port}"
    if _number(versions[0]) < OLDEST:
        return Finding(Level.ERROR, STORE, f"{told}: {'.'.join(map(str, OLDEST))} or later is needed")
    return Finding(Level.OK, STORE, told)


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("-")[0].split(".")[:2] if part.isdecimal())


def _copies(nodes: list[NodeVerbose], layout: Layout, copies: int) -> Iterator[Finding]:
    """Whether there can be as many copies as the settings say, and enough of them answer."""
    healthy = [node for node in nodes if node.status == "HEALTHY"]
    if layout.replicas > len(nodes):
        message = f"{layout.replicas} copies need as many nodes, and Weaviate has {len(nodes)}"
        yield Finding(Level.ERROR, f"{STORE}.replicas", message)
    elif copies != layout.replicas:
        message = f"the index was made with {copies}, not {layout.replicas}: run greffier index --anew"
        yield Finding(Level.WARNING, f"{STORE}.replicas", message)
    for node in nodes:
        if node not in healthy:
            yield Finding(Level.WARNING, STORE, f"the node {node.name} is {node.status.lower()}")
    needed = {"one": 1, "quorum": copies // 2 + 1, "all": copies}[layout.consistency]
    if len(healthy) < needed:
        message = f"{layout.consistency} of {copies} copies needs {needed} nodes, and {len(healthy)} are well"
        yield Finding(Level.ERROR, f"{STORE}.consistency", message)


def _room(nodes: list[NodeVerbose], layout: Layout) -> Iterator[Finding]:
    """A Weaviate whose disk fills up makes itself read-only: what is there is found, nothing new comes in."""
    for node in nodes:
        ours = [shard for shard in node.shards if shard.collection.startswith(f"{layout.prefix}_")]
        if any(shard.vector_indexing_status == "READONLY" for shard in ours):
            message = f"the node {node.name} is read-only, its disk or memory is full: make room; until then drafts go"
            yield Finding(Level.ERROR, STORE, f"{message} on, and greffier index waits")


def _lets_anybody_in(server: Server) -> bool:
    try:
        with closing(Connection(replace(server, api_key=""))) as connection, our_errors():
            connection.client().collections.list_all(simple=True)
    except GreffierError:
        return False
    return True
