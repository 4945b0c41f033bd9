# The words of this project, the same on a laptop and in CI.
# Set-up happens once: a stamp in .venv is as new as the lock file that it was made from.

SHELL = /bin/sh
BIN = .venv/bin
PYTHONS = $(or $(PYTHON),python3.13 python3.12 python3.11 python3)
HAS_UV = uv --version >/dev/null 2>&1
WORKERS ?= logical

# Without byte-code on disk every process compiles Dagster and dbt again: two to three times slower.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL = help
.PHONY: help demo demo-fix ui test heavy lint format picture bench lock clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | while IFS='|' read -r word text; do \
	  printf '  make %-10s%s\n' "$$word" "$$text"; done

demo: .venv/.installed-core  ## run the main job on the sample: order files in, messages in data/outbox
	@$(BIN)/pp run --from 2026-07-03 --to 2026-10-31 --today 2026-10-31 --send

demo-fix: .venv/.installed-core  ## correct a file of the sample, in a home of its own, and show what becomes of it
	@$(BIN)/python data/demo_fix.py

ui: .venv/.installed-core  ## open Dagster on localhost
	@$(BIN)/pp ui

# A file stays with one process, so what its tests share is set up once.
test: .venv/.installed-dev  ## all tests but those marked heavy (WORKERS=0: in one process)
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

heavy: .venv/.installed-dev  ## the tests that take minutes
	@$(BIN)/pytest -m heavy -n $(WORKERS) --dist loadfile --no-loadscope-reorder

lint: .venv/.installed-dev  ## style, types and SQL
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright
	mkdir -p dbt/target && PP_HOME=$(CURDIR)/dbt/target $(BIN)/sqlfluff lint dbt/models

format: .venv/.installed-dev  ## put the code in order
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

picture: .venv/.installed-dev  ## take the README's picture anew from the running UI (needs Chromium)
	@$(BIN)/python -m pp_pipeline_tests.pictures

bench: .venv/.installed-dev  ## measure landing, the queues, sending and conversations on large data, as in docs/performance.md
	$(BIN)/python -m pp_pipeline_tests.bench.bench_landing
	$(BIN)/python -m pp_pipeline_tests.bench
	$(BIN)/python -m pp_pipeline_tests.bench.bench_sending
	$(BIN)/python -m pp_pipeline_tests.bench.bench_smtp
	$(BIN)/python -m pp_pipeline_tests.bench.bench_conversations

# One set of files for Python 3.11 to 3.13 on every system, without addresses of package indexes.
COMPILE = uv pip compile pyproject.toml --extra build --universal --python-version 3.11 --no-annotate \
  --quiet --custom-compile-command "make lock" $(UPGRADE)

lock:  ## write the lock files anew from pyproject.toml, with uv (UPGRADE=--upgrade: newer versions)
	$(COMPILE) --extra dev --output-file requirements-dev.lock
	$(COMPILE) --constraint requirements-dev.lock --output-file requirements.lock
	$(COMPILE) --constraint requirements-dev.lock --extra dev --extra spark --output-file requirements-spark.lock

clean:  ## remove the environment, caches and dbt's work files; nothing under data/
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis dbt/target dbt/logs logs
	find pp_pipeline pp_pipeline_tests data -name __pycache__ -type d -prune -exec rm -rf {} +

# The development lock holds all that the run-time lock holds, so it serves for both.
.venv/.installed-dev: requirements-dev.lock pyproject.toml .venv/bin/python
	$(call install,$<)
	@touch .venv/.installed-core $@

.venv/.installed-core: requirements.lock pyproject.toml .venv/bin/python
	$(call install,$<)
	@touch $@

# The package itself is only linked to, so that the checkout is what runs.
define install
@echo "Installing $(1) into .venv, once; this takes a minute or so"
@if $(HAS_UV); then \
  uv pip install --quiet --python $(BIN)/python --compile-bytecode --no-deps -r $(1) && \
  uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .; \
else \
  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r $(1) && \
  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .; \
fi
endef

# A name may stand for a Python that does not run (pyenv), so each candidate is asked.
.venv/bin/python:
	@rm -rf .venv; \
	for name in $(PYTHONS); do \
	  python=$$($$name -c 'import sys; (3, 11) <= sys.version_info < (3, 14) and print(sys.executable)' 2>/dev/null); \
	  if [ -n "$$python" ]; then \
	    echo "Setting up .venv with $$($$python --version)"; \
	    if $(HAS_UV); then uv venv --quiet --python "$$python" .venv; else "$$python" -m venv .venv; fi && exit; \
	    rm -rf .venv; exit 1; \
	  fi; \
	done; \
	echo "There is no Python 3.11, 3.12 or 3.13 among: $(PYTHONS). Name one with PYTHON=..." >&2; exit 1
