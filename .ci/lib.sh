# shellcheck shell=bash disable=SC2034
# Shared by the scripts here: where things are and which account runs the servers. Source it, don't run it.
set -euo pipefail
shopt -s inherit_errexit

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
RUN=$ROOT/.run

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

# .run belongs to whom the work tree belongs to, also when root makes it.
run_dir() {
    if [ ! -d "$RUN" ]; then
        mkdir "$RUN"
        if [ "$(id -u)" = 0 ]; then chown --reference "$ROOT" "$RUN"; fi
    fi
}

# Major version of Postgres to use: PG_MAJOR, else the newest server installed, else what this Debian offers.
pg_major() {
    local found
    if [ -n "${PG_MAJOR:-}" ]; then
        echo "$PG_MAJOR"
        return
    fi
    found=$(find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | cut -d/ -f5 | sort -n | tail -1 || true)
    if [ -z "$found" ]; then
        found=$(. /etc/os-release && case ${VERSION_ID:-} in 12) echo 15 ;; 13) echo 17 ;; esac)
    fi
    if [ -z "$found" ] && command -v apt-cache >/dev/null; then
        found=$(apt-cache depends postgresql 2>/dev/null | sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p' | head -1 || true)
    fi
    if [ -z "$found" ]; then # testing and sid have no number, and apt knows nothing before its first update
        found=$(. /etc/os-release && case ${VERSION_CODENAME:-} in forky) echo 18 ;; esac)
    fi
    echo "$found"
}

pg_bin() { echo "/usr/lib/postgresql/$(pg_major)/bin"; }

# initdb refuses root, so root lends the servers to the account postgres; anybody else runs them himself.
if [ "$(id -u)" = 0 ]; then OWNER=postgres; else OWNER=$(id -un); fi
as_owner() {
    if [ "$(id -u)" = 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi
}

# How to become root: nothing, sudo, or "none".
root_prefix() {
    if [ "$(id -u)" = 0 ]; then return; fi
    if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then echo sudo; else echo none; fi
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
