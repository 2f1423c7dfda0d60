# `make demo` and `make test` need nothing but Python 3.11 or newer, pip, git and make.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# A warehouse must open in the DuckDB that analysts already have; a test opens it with this one.
OLD_DUCKDB := .cache/duckdb-1.2

.PHONY: demo test lint format bench up docs clean lock
.DEFAULT_GOAL := help

help:
	@echo "make demo    simulate a dozen organisations and evaluate them (./muster-home)"
	@echo "make test    lint, types, architecture and all tests"
	@echo "make bench   benchmarks; results in docs/benchmarks.md"
	@echo "make up      Dagster's page and daemon for ./muster-home"
	@echo "make lint    ruff, mypy, import-linter; make format applies ruff"
	@echo "make docs    rewrite dictionary, contracts and schemas, and build the site in .cache/site"
	@echo "make lock    rewrite requirements.lock (needs uv); make clean removes what make made"

$(VENV)/installed: requirements.lock pyproject.toml
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) (a minute or two, once) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(OLD_DUCKDB)/installed: tests/old_duckdb.lock $(VENV)/installed
	@rm -rf $(OLD_DUCKDB) && mkdir -p $(OLD_DUCKDB)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --no-warn-conflicts \
	  --target $(OLD_DUCKDB) -r tests/old_duckdb.lock \
	  || echo "DuckDB 1.2 is not to be had for this Python; the test that needs it will skip."
	@touch $@

demo: $(VENV)/installed
	@$(BIN)/muster demo

# A file's tests stay together, since they share what took long to make.
test: lint $(OLD_DUCKDB)/installed
	@$(BIN)/pytest --numprocesses auto --dist loadfile

lint: $(VENV)/installed
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(VENV)/installed
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

bench: $(VENV)/installed
	@$(BIN)/python tests/benchmarks/run.py

up: $(VENV)/installed
	@$(BIN)/muster up

docs: $(VENV)/installed
	@$(BIN)/python -m pipeline.dictionary docs/dictionary.md
	@$(BIN)/python -m checks.pages docs/contracts.md
	@$(BIN)/python -m pipeline.reading.mapping_schema docs/mapping.schema.json
	@$(BIN)/python -m pipeline.programme_schema docs/programme.schema.json
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build -f docs/site/mkdocs.yml

lock:
	UV_CUSTOM_COMPILE_COMMAND="make lock" uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	  --no-emit-index-url --extra dev -o requirements.lock pyproject.toml

clean:
	rm -rf $(VENV) .cache muster-home .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
