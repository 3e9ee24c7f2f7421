# Hako. `make run` starts a box here; `make test` runs everything that must pass.
PY := .venv/bin/python

.PHONY: setup setup-test setup-bench run demo test lint bench clean
setup:
	@images/setup.sh run
setup-test:
	@images/setup.sh test
setup-bench:
	@images/setup.sh bench

run: setup
	@exec .venv/bin/hako run

demo: setup
	@exec .venv/bin/hako demo

lint: setup-test
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	PYTHONPATH=. .venv/bin/lint-imports

test: lint
	$(PY) -m pytest

bench: setup-bench
	$(PY) -m tests.bench

clean:
	rm -rf .venv build appliance/web/pages web/node_modules web/dist
