# Two commands for a stranger: `make run` plays the demo song, `make test` runs every check. Each sets itself up.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
EXTRAS := [train,gui,dev]
# The recordings for the tests that need real ones; those tests are skipped where the folder is absent.
export ADVSEP_DATA ?= $(abspath ../shared/data)

.PHONY: run test check lint clean help

help:
	@echo "make run    set up, then separate and play the demo song (stems are left in demo/)"
	@echo "make test   set up, then run all checks and tests"
	@echo "make check  only the checks: format, lint, types"
	@echo "make clean  remove the virtual environment and what was built"

run: $(VENV)/.base
	$(BIN)/advsep-live -i demo --record demo

# Types are checked beside the first tests: one processor would wait otherwise.
test: $(VENV)/.dev lint
	@$(BIN)/basedpyright --pythonpath $(BIN)/python & types=$$!; \
	$(BIN)/python -m pytest -n 2 --dist loadfile --max-worker-restart=1 --durations=15 -m "not live and not alone"; tests=$$?; \
	wait $$types || { echo "the types do not fit, see above" >&2; exit 1; }; exit $$tests
	$(BIN)/python -m pytest -n 2 --dist loadfile --max-worker-restart=1 --durations=15 -m live
	$(BIN)/python -m pytest --durations=15 -m alone

check: $(VENV)/.dev lint
	$(BIN)/basedpyright --pythonpath $(BIN)/python

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# What is imported is compiled when it is: pip would compile all of it, a minute of one processor.
unexport PYTHONDONTWRITEBYTECODE
define set-up
@PYTHON=$(PYTHON) .ci/system-packages $(1)
@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if v >= (3, 11) else f"advsep needs Python 3.11 or newer, found {v[0]}.{v[1]}: make PYTHON=python3.11 …")'
$(PYTHON) -m venv $(VENV)
$(BIN)/python -m pip install -q --disable-pip-version-check --no-compile -c constraints.txt -e '$(2)'
@touch $(VENV)/.base $@
endef

$(VENV)/.base: pyproject.toml constraints.txt .ci/system-packages
	$(call set-up,run,.)

$(VENV)/.dev: pyproject.toml constraints.txt .ci/system-packages
	$(call set-up,test,.$(EXTRAS))

clean:
	rm -rf $(VENV) build dist *.egg-info demo
