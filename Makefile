# The commands of this repository. `make demo` and `make test` are all that a newcomer needs.
# uv is taken from the machine, or brought into .uv/ where there is none.

UV := $(shell command -v uv || echo .uv/bin/uv)
RUN := $(UV) run --no-sync
PYTEST := $(RUN) pytest

.PHONY: help setup demo lint test judges soak clean

help:
	@echo "make demo    run the whole programme on this machine, act by act"
	@echo "make test    lint, type-check, run all tests, say which judges ran"
	@echo "make judges  install the independent judges (Debian, npm) and run them, no skip allowed"
	@echo "make soak    the tests that take long"
	@echo "make clean   remove what the other targets made"

setup:
	@command -v $(UV) >/dev/null 2>&1 || { echo "no uv here: bringing one into .uv/"; \
	  python3 -m venv .uv && .uv/bin/pip install --quiet 'uv>=0.11'; }
	@$(UV) sync --locked --all-extras --quiet

demo: setup
	@$(RUN) sekisho demo --data demo-data --fresh

lint: setup
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy
	$(RUN) lint-imports

test: lint
	$(PYTEST) -n 2 -m "not soak"

judges: setup
	scripts/install-judges
	SEKISHO_JUDGES_REQUIRED=1 $(PYTEST) -m judge tests/judges

soak: setup
	$(PYTEST) -m soak --timeout 3600

clean:
	rm -rf .venv .uv .judges demo-data .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
