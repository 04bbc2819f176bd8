# Everything starts here; `make help` lists it. PG_MAJOR=17 chooses among several installed servers.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PG_CONFIG ?= $(shell . .ci/lib.sh && pg_bin)/pg_config
SUDO = $(shell . .ci/lib.sh && root_prefix)
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
	@$(SUDO) $(MAKE) -s -C extension install PG_CONFIG=$(PG_CONFIG) >/dev/null

.PHONY: up
up: install ## start a private Postgres and Redis under .run/
	@.ci/cluster up

.PHONY: down
down: ## stop them
	@.ci/cluster down

.PHONY: psql
psql: ## open psql in the private database
	@psql "$$(.ci/cluster url)"

.PHONY: url
url: ## print the connection string of the private database
	@.ci/cluster url

.PHONY: venv
venv:
	@.ci/packages test
	@.ci/venv

# All tests read python/pyproject.toml. ARGS goes to pytest: make test ARGS='-k drift'
PYTEST = .run/venv/bin/pytest -c python/pyproject.toml --rootdir=. -p no:cacheprovider

.PHONY: test
test: install venv ## run the tests (6 minutes at most); ARGS='-k drift' chooses
	@$(PYTEST) $(ARGS)

.PHONY: test-long
test-long: install venv ## run the long tests too: many kills, large tables, hours of clock
	@$(PYTEST) -m '' --timeout=3600 $(ARGS)

.PHONY: clean
clean: ## stop the servers and remove everything that was built
	@.ci/cluster clean
	@rm -rf extension/build
