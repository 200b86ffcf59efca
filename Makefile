# `make fmt lint test` before every commit.

.PHONY: help setup matrix demo test test-core bench install deb server server-stop fmt lint clean

help: ## Show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1 \2/' | awk '{ printf "  make %-12s", $$1; $$1 = ""; print }'

setup: ## Install what this machine lacks (Debian, Ubuntu)
	@scripts/setup

matrix: ## Provide every supported Postgres, for the tests
	@scripts/postgres-matrix

demo: ## Show what the extension does
	@scripts/demo

test: ## Run all tests on every Postgres found (ONLY=pg17, TESTS=name, ACCEPT=1: see scripts/test)
	@scripts/test

test-core: ## Run the tests that need no Postgres
	@scripts/test core

bench: ## Measure
	@scripts/bench

install: ## Build and install the extension into PG_CONFIG's Postgres, else the system's (or below DESTDIR)
	@scripts/install --release

deb: ## Build a Debian package for that Postgres
	@scripts/package "$${CARGO_TARGET_DIR:-target}/packages" --release

server: ## Start a throwaway Postgres with the extension (scripts/server psql)
	@scripts/server start

server-stop: ## Stop it
	@scripts/server stop

fmt: ## Check the formatting
	cargo fmt --all --check

lint: ## Clippy and rustdoc, warnings denied
	@scripts/lint

clean: ## Delete what was built, and the throwaway Postgres
	@scripts/server remove
	cargo clean
