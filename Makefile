# The two commands of the README: `make demo` and `make test`. Both set up .venv by themselves.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test test-fast hammer lint docs rooms packages gpu-check clean

demo: $(VENV)/.installed
	$(BIN)/coopbench phantom --out demo/data
	$(BIN)/coopbench study --data demo/data --preset demo --runs demo/runs --out demo/report

test: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --maxprocesses 8 --dist loadgroup

# Without the tests that are marked slow: for while you work.
test-fast: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -m "not slow" -n auto --maxprocesses 8

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

# The documentation site, into build/site; a warning is a failure. Needs no network once installed.
docs: $(VENV)/.installed-docs
	OMP_NUM_THREADS=1 NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "open build/site/index.html; with its search: python3 -m http.server -d build/site"

# The picture of the architecture, after a change of what imports what.
rooms: $(VENV)/.installed-dev
	$(BIN)/python docs/tools/draw_rooms.py

# The wheel and the source archive, each tried in an environment of its own.
packages: $(VENV)/.installed-dev
	BIN=$(abspath $(BIN)) .ci/packages

# On a machine with a GPU, and coopbench installed: benches it, then trains and scores preset paper as
# far as MINUTES go. The same command again goes on. DATA holds prepared sets (coopbench prepare).
DATA ?= data
OUT ?= gpu-check
MINUTES ?= 60
DEVICE ?= cuda
PRESET ?= paper
gpu-check:
	$(BIN)/python -m benchmark.speed.gpu_check --data $(DATA) --out $(OUT) --minutes $(MINUTES) --device $(DEVICE) --preset $(PRESET)

clean:
	rm -rf $(VENV) demo build *.egg-info

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

$(VENV)/.installed-docs: $(VENV)/.installed
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[docs]'
	touch $@
