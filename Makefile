# The two commands of the README: `make demo` and `make test`. Both set up .venv by themselves.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test hammer lint clean

demo: $(VENV)/.installed
	$(BIN)/coopbench phantom --out demo/data
	$(BIN)/coopbench study --data demo/data --preset demo --runs demo/runs --out demo/report

test: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --maxprocesses 8 --dist loadgroup

# The long version of two tests: KILLS of each command at drawn moments, CORPUS thousands of broken files.
KILLS ?= 25
CORPUS ?= 10
hammer: $(VENV)/.installed-dev
	COOPBENCH_KILLS=$(KILLS) COOPBENCH_CORPUS=$(CORPUS) OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadgroup tests/cli/test_killed.py tests/cli/test_corpus.py

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) demo build *.egg-info

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@
