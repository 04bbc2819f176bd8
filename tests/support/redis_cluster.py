"""A throwaway Redis Cluster of three nodes, and of their replicas where a test needs some."""

from __future__ import annotations

import contextlib
import subprocess
from typing import Any

import redis
from redis.cluster import RedisCluster as Client

from support.cluster import free_port, wait_until
from support.redis import RedisServer

PREFIX = "{asymm}"


class Node(RedisServer):
    """One node; it can be killed and started again."""

    def __init__(self) -> None:
        super().__init__()
        self.bus = free_port()

    def options(self) -> dict[str, str]:
        return super().options() | {
            "cluster-enabled": "yes",
            "cluster-config-file": "nodes.conf",
            "cluster-port": str(self.bus),
            "cluster-node-timeout": "1000",
            "cluster-replica-validity-factor": "0",
            "masterauth": self.password,
        }

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}@{self.bus}"

    def ask(self, *words: str | int) -> Any:
        client: Any
        with contextlib.closing(redis.Redis.from_url(self.url)) as client:
            client.response_callbacks.clear()
            return client.execute_command(*words)

    def up(self) -> bool:
        return b"cluster_state:ok" in self.ask("CLUSTER", "INFO")

    def name(self) -> str:
        return str(self.ask("CLUSTER", "MYID").decode())


class RedisCluster:
    """What a Mirror needs of a server, and the nodes behind it."""

    password = RedisServer.password

    def __init__(self) -> None:
        self.nodes = [Node() for _ in range(3)]

    def start(self) -> None:
        for node in self.nodes:
            node.start()
        self.manage("create", *(node.place for node in self.nodes), "--cluster-yes")
        wait_until(lambda: all(node.up() for node in self.nodes), 20, "all nodes know each other")

    def manage(self, *words: str) -> None:
        """Run redis-cli --cluster."""
        command = ["redis-cli", "--no-auth-warning", "-a", self.password, "--cluster", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    @property
    def url(self) -> str:
        """All nodes, the one with our keys last: a client has to be sent there."""
        hosts = sorted(self.nodes, key=lambda node: node is self.owner)
        return f"redis://default:{self.password}@" + ",".join(f"127.0.0.1:{node.port}" for node in hosts)

    @property
    def slot(self) -> int:
        return int(self.nodes[0].ask("CLUSTER", "KEYSLOT", PREFIX))

    @property
    def owner(self) -> Node:
        """The node that has our keys."""
        for first, last, (_, port, *_), *_ in self.nodes[0].ask("CLUSTER", "SLOTS"):
            if first <= self.slot <= last:
                return next(node for node in self.nodes if node.port == port)
        raise AssertionError("no node has our keys")

    def client(self) -> Any:
        return Client.from_url(self.nodes[0].tcp_url.removesuffix("/0"))

    def replicate(self) -> Node:
        """Add a replica of the node with our keys."""
        owner, replica = self.owner, Node()
        replica.start()
        self.nodes.append(replica)
        self.manage(
            "add-node", replica.place, owner.place, "--cluster-slave", "--cluster-master-id", owner.name()
        )
        wait_until(lambda: replica.ask("ROLE")[3] == b"connected", 20, "the replica follows")
        return replica

    def move(self, target: Node, pause: Any = lambda: None) -> None:
        """Give our slot to another node; pause() is called when half of its keys have gone."""
        source, slot = self.owner, self.slot
        target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source.name())
        source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target.name())
        left = int(source.ask("CLUSTER", "COUNTKEYSINSLOT", slot)) // 2
        while keys := source.ask("CLUSTER", "GETKEYSINSLOT", slot, max(left, 1)):
            words = ("127.0.0.1", target.port, "", 0, 5000, "AUTH", self.password, "KEYS", *keys)
            source.ask("MIGRATE", *words)
            pause()
        for node in (target, source, *self.nodes):
            node.ask("CLUSTER", "SETSLOT", slot, "NODE", target.name())

    def remove(self) -> None:
        for node in self.nodes:
            node.remove()
