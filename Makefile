# Every target sets itself up: a virtual environment in .venv, made anew when the requirements change.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
VENV ?= .venv
PORT ?= 8000
# Tests and chapters that run at a time, each on one core.
JOBS ?= 2
SIDE_BY_SIDE := -n $(JOBS) --dist worksteal
BIN := $(VENV)/bin
STAMP := $(VENV)/.complete
BUILT := _build/.book
export JUPYTER_PREFER_ENV_PATH := 1

.PHONY: help venv book test check smoke page kernel browser serve bench trust clean
.DEFAULT_GOAL := help

# An environment whose Python is gone, or whose folder was moved, is made anew.
ifneq ($(shell $(BIN)/python -c 'import sys; print(sys.prefix in open(sys.prefix + "/bin/pip").read())' 2>/dev/null),True)
$(shell rm -f $(STAMP))
endif

help:  ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

$(STAMP): requirements.txt pyproject.toml tools/set_up.sh
	@tools/set_up.sh $(VENV)
	@touch $(STAMP)

venv: $(STAMP)  ## the virtual environment (PYTHON=python3.12 chooses the interpreter)

book: $(STAMP)  ## build the book from the recorded runs; fails on any warning
	$(BIN)/jupyter-book build . --all -W --keep-going -q
	$(BIN)/python tools/check_executed.py _build/jupyter_execute/book
	@touch $(BUILT)
	@echo "The book: _build/html/book/index.html (make serve)"

$(BUILT): _config.yml _toc.yml requirements.txt $(shell find book charrnn data/runs benchmarks -type f -not -name '*.pyc' 2>/dev/null)
	@$(MAKE) --no-print-directory book

test: $(STAMP)  ## the tests: no network, no GPU
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(SIDE_BY_SIDE)

check: $(STAMP)  ## lint, format, notebooks without outputs, the page's module up to date
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python tools/page.py --check
	$(BIN)/nbstripout --verify --keep-id --extra-keys "metadata.widgets" book/*.ipynb

smoke: $(STAMP)  ## execute every chapter with papermill in smoke mode
	$(BIN)/python tools/smoke.py --jobs $(JOBS) --out _build/smoke

page: $(STAMP)  ## assemble the page's module, charrnn/static/charrnn.mjs, from its sources
	$(BIN)/python tools/page.py

kernel: $(STAMP)  ## compile the page's kernel anew and compare it with the one that is kept (node, npm)
	$(BIN)/python tools/page.py --check --kernel

browser: $(STAMP) $(BUILT)  ## look at every page in Chromium: errors, requests, overflow, screenshots
	$(BIN)/python -m pytest -m "browser and not alone" $(SIDE_BY_SIDE) tests/browser
	$(BIN)/python -m pytest -m "browser and alone" tests/browser

serve: $(STAMP) $(BUILT)  ## the book, built if it is not up to date, at http://127.0.0.1:8000 (PORT=)
	@echo "The book: http://127.0.0.1:$(PORT)/book/index.html (Ctrl-C stops)"
	@$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html $(PORT)

bench: $(STAMP) $(BUILT)  ## the benchmarks of this machine, half an hour (BENCH="training sampling" runs some)
	$(BIN)/python -m benchmarks $(or $(BENCH),--all)

trust: $(STAMP) $(BUILT)  ## killed, fuzzed, cut off, soaked, in full: two hours (PARTS="crashes texts" tries some)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --prefer-binary atheris==3.0.0 || \
	  echo "atheris has no build for this Python: its fuzzing is left out, and the table says so"
	$(BIN)/python -m trust $(or $(PARTS),--all)

clean:  ## remove what was built
	rm -rf _build .pytest_cache .ruff_cache
