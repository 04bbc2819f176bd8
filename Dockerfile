# Postgres 17 with TimescaleDB, pg_cron, HypoPG, PL/Python, the extension and the driver.
#   runtime (default target of `make image`)   what you run: compose.yaml shows how
#   test                                       runtime and the tools of the tests, for `make image-test`
# The optional secret `ca` is a CA bundle for pip, for networks whose proxy has a certificate of its own.

FROM docker.io/library/debian:trixie-slim AS base
ENV DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8 PATH=/opt/asymmetrica/bin:/usr/lib/postgresql/17/bin:$PATH
RUN mkdir -p /etc/postgresql-common/createcluster.d \
    && echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.d/image.conf \
    && apt-get update \
    && apt-get install -y --no-install-recommends postgresql-17 postgresql-plpython3-17 postgresql-17-cron \
        postgresql-17-hypopg postgresql-17-timescaledb redis-tools python3 ca-certificates \
    && rm -rf /var/lib/apt/lists/*

FROM base AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends make python3-venv \
    && rm -rf /var/lib/apt/lists/*
COPY extension /src/extension
COPY sql /src/sql
RUN python3 /src/sql/build.py \
    && make -C /src/extension install DESTDIR=/out PG_CONFIG=/usr/lib/postgresql/17/bin/pg_config
COPY python /src/python
RUN --mount=type=secret,id=ca,target=/run/ca.pem \
    if [ -s /run/ca.pem ]; then export PIP_CERT=/run/ca.pem; fi \
    && python3 -m venv /opt/asymmetrica \
    && /opt/asymmetrica/bin/pip install --no-cache-dir --disable-pip-version-check '/src/python[cli,mirror,metrics,alerts,dashboard,top]'

FROM base AS runtime
COPY --from=build /out/ /
COPY --from=build /opt/asymmetrica /opt/asymmetrica
COPY .ci/settings /usr/local/share/asymmetrica/settings
COPY extension/docker-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
RUN mkdir -p /docker-entrypoint-initdb.d /var/lib/postgresql/data /run/postgresql \
    && chown postgres:postgres /var/lib/postgresql/data /run/postgresql \
    && chmod 700 /var/lib/postgresql/data
ENV PGDATA=/var/lib/postgresql/data
VOLUME /var/lib/postgresql/data
USER postgres
EXPOSE 5432
STOPSIGNAL SIGINT
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=6 CMD ["docker-entrypoint.sh", "healthy"]
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]

FROM runtime AS test
USER root
RUN apt-get update \
    && apt-get install -y --no-install-recommends postgresql-17-pgtap postgresql-17-plpgsql-check postgresql-17-pgaudit \
        redis-server libfaketime prometheus-alertmanager chromium python3-venv make \
    && rm -rf /var/lib/apt/lists/*
COPY python/pyproject.toml /tmp/pyproject.toml
RUN --mount=type=secret,id=ca,target=/run/ca.pem \
    if [ -s /run/ca.pem ]; then export PIP_CERT=/run/ca.pem; fi \
    && python3 -c 'import tomllib; p = tomllib.load(open("/tmp/pyproject.toml", "rb"))["project"]; \
        print(*p["dependencies"], *p["optional-dependencies"]["dev"], sep="\n")' >/tmp/requirements.txt \
    && /opt/asymmetrica/bin/pip install --no-cache-dir --disable-pip-version-check -r /tmp/requirements.txt
COPY --chown=postgres Dockerfile Makefile LICENSE compose.yaml *.md /src/
COPY --chown=postgres .ci /src/.ci
COPY --chown=postgres extension /src/extension
COPY --chown=postgres sql /src/sql
COPY --chown=postgres python /src/python
COPY --chown=postgres tests /src/tests
RUN mkdir /src/.run && ln -s /opt/asymmetrica /src/.run/venv \
    && chown -R postgres /src /opt/asymmetrica /docker-entrypoint-initdb.d
USER postgres
WORKDIR /src
ENTRYPOINT []
