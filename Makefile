# Everything starts here; `make help` lists it. PG_MAJOR=17 chooses among several installed servers.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PG_CONFIG = $(shell . .ci/lib.sh && pg_bin)/pg_config
export PG_MAJOR PG_CONFIG

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F '\t' '{ printf "make %-12s %s\n", $$1, $$2 }'

.PHONY: packages
packages:
	@.ci/packages run

.PHONY: build
build: packages ## assemble the extension's scripts in extension/build
	@python3 sql/build.py

.PHONY: install
install: build ## install the extension's files into the Postgres of this machine
	@.ci/install

.PHONY: up
up: install ## start a private Postgres and Redis under .run/
	@.ci/cluster up

.PHONY: down
down: ## stop them
	@.ci/cluster down

.PHONY: psql
psql: ## open psql in the private database
	@psql "$$(.ci/cluster url)"

.PHONY: top
top: up venv ## watch it in a terminal (asymmetrica top)
	@.run/venv/bin/asymmetrica top --dsn "$$(.ci/cluster url)"

.PHONY: url
url: ## print the connection string of the private database
	@.ci/cluster url

.PHONY: venv
venv:
	@.ci/packages test
	@.ci/venv

# All tests read python/pyproject.toml. ARGS goes to pytest: make test ARGS='-k drift'. Compiled modules are kept, whatever the
# environment says: dozens of programs are started, and every worker reads all files.
PYTEST = PYTHONDONTWRITEBYTECODE= .run/venv/bin/pytest -c python/pyproject.toml --rootdir=. -p no:cacheprovider

.PHONY: test
test: install venv ## run the tests (6 minutes at most); ARGS='-k drift' chooses
	@$(PYTEST) $(ARGS)

.PHONY: test-long
test-long: install venv ## run the long tests too: many kills, large tables, hours of clock
	@$(PYTEST) -m '' --timeout=3600 $(ARGS)

.PHONY: lint
lint: build venv ## run every static check
	@.ci/lint

.PHONY: web
web: ## check, test and build the page of the dashboard and Grafana's panel (npm)
	@npm --prefix python/web ci --no-audit --no-fund
	@npm --prefix python/web run check
	@npm --prefix python/web test
	@npm --prefix python/web run build
	@$(MAKE) grafana-panel

.PHONY: grafana-panel
grafana-panel: ## check, test and build the panel for Grafana (after npm ci in python/web)
	@npm --prefix python/web/grafana-panel ci --ignore-scripts --no-audit --no-fund
	@npm --prefix python/web/grafana-panel run check
	@npm --prefix python/web/grafana-panel test
	@npm --prefix python/web/grafana-panel run build

.PHONY: bench
bench: install venv ## measure and compare with the targets; ONLY=beat,drift for some
	@PYTHONPATH=tests .run/venv/bin/python -m bench $(if $(ONLY),--only '$(ONLY)')

.PHONY: demo
demo: ## see drift noticed and repaired on real data (in the image where packages can't be had)
	@if .ci/packages run; then \
	    $(MAKE) up && .ci/venv && ASYMMETRICA_REDIS="$$(.ci/cluster redis)" \
	        .run/venv/bin/asymmetrica demo --dsn "$$(.ci/cluster url)"; \
	elif docker info >/dev/null 2>&1 || podman info >/dev/null 2>&1; then \
	    echo "running the demo in the image instead" >&2 && .ci/image demo; \
	else exit 1; fi

.PHONY: image
image: ## build the image (docker, podman, or buildah as root)
	@.ci/image build

.PHONY: image-test
image-test: ## run the tests inside the image, on Postgres 17 with TimescaleDB
	@.ci/image test $(ARGS)

.PHONY: clean
clean: ## stop the servers and remove everything that was built
	@.ci/cluster clean
	@rm -rf extension/build
