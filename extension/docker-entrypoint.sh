#!/bin/bash
# Starts Postgres in the image; on an empty volume it first makes the cluster, the database and the extension.
#
# POSTGRES_PASSWORD       password of the superuser; required unless POSTGRES_HOST_AUTH_METHOD=trust
# POSTGRES_USER           superuser, default postgres
# POSTGRES_DB             database with the extension, served by pg_cron, default POSTGRES_USER
# POSTGRES_INITDB_ARGS    more arguments for initdb
# POSTGRES_HOST_AUTH_METHOD   how TCP connections are checked, default scram-sha-256
# Each of the first four may be given as NAME_FILE=/path instead. Files *.sh, *.sql and *.sql.gz in
# /docker-entrypoint-initdb.d run once, in the order of their names, in POSTGRES_DB.
set -euo pipefail

fail() { echo "error: $*" >&2; exit 1; }

# Take NAME from NAME_FILE where that is given; the file's content ends in the environment of this script only.
from_file() {
    local name=$1 file=${1}_FILE
    if [ -n "${!file:-}" ]; then
        [ -z "${!name:-}" ] || fail "both $name and $file are set"
        [ -r "${!file}" ] || fail "$file names a file that can't be read: ${!file}"
        printf -v "$name" '%s' "$(cat "${!file}")"
        unset "$file"
    fi
}

sql() { psql -XqAt -v ON_ERROR_STOP=1 -h /tmp/init -U "$POSTGRES_USER" "$@"; }

run_initdb_files() {
    local file
    for file in /docker-entrypoint-initdb.d/*; do
        case $file in
            *.sh) if [ -x "$file" ]; then "$file"; else bash "$file"; fi ;;
            *.sql) sql -d "$POSTGRES_DB" -f "$file" ;;
            *.sql.gz) gunzip -c "$file" | sql -d "$POSTGRES_DB" ;;
            */'*') ;;
            *) echo "ignored: $file" ;;
        esac
    done
}

init() {
    local method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256} arguments=() extension
    if [ -z "${POSTGRES_PASSWORD:-}" ] && [ "$method" != trust ]; then
        fail "POSTGRES_PASSWORD (or POSTGRES_PASSWORD_FILE) is not set; the superuser needs a password"
    fi
    eval "arguments=(${POSTGRES_INITDB_ARGS:-})"
    initdb -D "$PGDATA" -U "$POSTGRES_USER" --encoding=UTF8 --locale=C.UTF-8 --data-checksums \
        --auth-local=trust --auth-host="$method" --pwfile=<(printf '%s\n' "${POSTGRES_PASSWORD:-unused}") \
        ${arguments[@]+"${arguments[@]}"} >/dev/null
    touch "$PGDATA/asymmetrica.unfinished"
    echo "host all all all $method" >>"$PGDATA/pg_hba.conf"
    printf "%s\n" "listen_addresses = '*'" "include_if_exists 'asymmetrica.conf'" >>"$PGDATA/postgresql.conf"
    printf '%s\n' "$POSTGRES_DB" >"$PGDATA/asymmetrica.database"
    write_settings

    # During these steps the server listens nowhere but on a private socket.
    rm -rf /tmp/init
    mkdir -m 700 /tmp/init
    trap 'pg_ctl -D "$PGDATA" -w -s -m immediate stop' EXIT
    pg_ctl -D "$PGDATA" -w -s -o "-c listen_addresses='' -c unix_socket_directories=/tmp/init" start
    if [ "$POSTGRES_DB" != postgres ]; then
        sql -d postgres -v name="$POSTGRES_DB" <<<'CREATE DATABASE :"name"'
    fi
    for extension in pg_stat_statements pg_cron timescaledb hypopg asymmetrica; do
        PGOPTIONS='-c client_min_messages=warning' sql -d "$POSTGRES_DB" -c "CREATE EXTENSION $extension"
    done
    PGHOST=/tmp/init PGUSER=$POSTGRES_USER PGDATABASE=$POSTGRES_DB run_initdb_files
    trap - EXIT
    pg_ctl -D "$PGDATA" -w -s -m fast stop
    rm -f "$PGDATA/asymmetrica.unfinished"
    echo "initialised: database $POSTGRES_DB with extension asymmetrica"
}

# Written at every start, so that a newer image brings newer settings; what postgresql.conf says below the
# include line, and ALTER SYSTEM, win.
write_settings() {
    local database
    database=$(sed "s/'/''/g" "$PGDATA/asymmetrica.database")
    /usr/local/share/asymmetrica/settings 17 "$database" >"$PGDATA/asymmetrica.conf"
}

case ${1:-postgres} in
    healthy)
        # pg_isready alone says yes during the first start, to the private socket's server too.
        [ ! -e "$PGDATA/asymmetrica.unfinished" ] && exec pg_isready -q -h 127.0.0.1
        exit 1
        ;;
    postgres | -*)
        if [ "${1:-}" = postgres ]; then shift; fi
        if [ "$(id -u)" = 0 ]; then
            mkdir -p "$PGDATA"
            chown postgres:postgres "$PGDATA"
            chmod 700 "$PGDATA"
            exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" postgres "$@"
        fi
        for name in POSTGRES_PASSWORD POSTGRES_USER POSTGRES_DB POSTGRES_INITDB_ARGS; do from_file "$name"; done
        POSTGRES_USER=${POSTGRES_USER:-postgres}
        POSTGRES_DB=${POSTGRES_DB:-$POSTGRES_USER}
        [ ! -e "$PGDATA/asymmetrica.unfinished" ] || fail "the first start did not finish; empty the volume $PGDATA"
        [ -s "$PGDATA/PG_VERSION" ] || init
        [ ! -e "$PGDATA/asymmetrica.database" ] || write_settings
        unset POSTGRES_PASSWORD
        exec "$(command -v postgres)" -D "$PGDATA" "$@"
        ;;
    *) exec "$@" ;;
esac
