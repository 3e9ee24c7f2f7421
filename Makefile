# Hako. `make run` starts a box here; `make test` runs everything that must pass.
PYTHON_HERE := .venv/bin/python
# The pages' tools: the Node that the set-up brought, where the machine has none that is new enough.
NPM := PATH="$(CURDIR)/.venv/bin:$$PATH" npm --prefix web --silent
ENGINE_C := $(filter-out %/_engine.c,$(wildcard appliance/media/engine/*.c))
WARNINGS := -std=c11 -O2 -D_GNU_SOURCE -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes

.PHONY: setup setup-test setup-bench run demo lint lint-python lint-c lint-web test bench clean
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

lint: lint-python lint-c lint-web

lint-python: setup-test
	$(PYTHON_HERE) -m ruff check .
	$(PYTHON_HERE) -m ruff format --check .
	$(PYTHON_HERE) -m mypy
	PYTHONPATH=. .venv/bin/lint-imports

lint-c: setup-test
	@for file in $(ENGINE_C); do $(CC) $(WARNINGS) -c -o /dev/null $$file || exit 1; done
	@echo $(ENGINE_C) | xargs -n 4 -P 2 sh -c 'clang-tidy --quiet --warnings-as-errors="*" "$$@" -- -std=c11 -D_GNU_SOURCE 2>/dev/null' clang-tidy

lint-web: setup-test
	$(NPM) run lint

# pytest comes last: its closing line says how many tests ran.
test: lint
	$(NPM) test
	$(PYTHON_HERE) -m pytest -n 2 --dist loadfile

bench: setup-bench
	$(PYTHON_HERE) -m tests.bench

clean:
	rm -rf .venv build appliance/web/pages appliance/media/engine/_engine* web/node_modules web/dist
