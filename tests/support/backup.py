"""Copies of a server: base backups, and standbys that stream."""

from __future__ import annotations

import shutil
from pathlib import Path

from support.cluster import BIN, Cluster, free_port, run, server_directory


def standby_of(primary: Cluster) -> Cluster:
    """Return a server, not yet started, that follows a running one."""
    made = object.__new__(Cluster)
    made.directory = server_directory()
    made.data = made.directory / "data"
    made.log = made.directory / "log"
    made.port = free_port()
    made.environment = {}
    backup(primary, made.data, "-R")
    with (made.data / "postgresql.conf").open("a") as config:
        config.write(f"port = {made.port}\nunix_socket_directories = '{made.directory}'\n")
    return made


def backup(server: Cluster, to: Path, *options: str) -> None:
    """Make a base backup of a running server."""
    run(BIN / "pg_basebackup", "-d", server.dsn(), "-D", to, "-c", "fast", "-X", "stream", *options)


def copy_files(server: Cluster, to: Path) -> None:
    """Copy the files of a stopped server, its slots with them."""
    run("cp", "-a", server.data, to)


def restore(server: Cluster, saved: Path) -> None:
    """Put saved files in the place of a stopped server's."""
    shutil.rmtree(server.data)
    saved.rename(server.data)


def promote(standby: Cluster) -> None:
    run(BIN / "pg_ctl", "-D", standby.data, "-w", "-s", "promote")
