# `make table` and `make test` set themselves up. They need Python 3.11 with venv, make and git, nothing else.

REQUIREMENTS ?= requirements.txt
PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3.11)
RUN := .venv/bin/python

# Where the environment forbids Python to keep what it compiles, every start would compile the libraries again: 4 s more.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help table lint packages fast test docs notebooks readme clean

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*  ## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

table: .venv/$(REQUIREMENTS).installed  ## trains what is missing of the first experiment and prints its table
	@$(RUN) -m launch.table --experiment=regularization

lint: .venv/requirements-dev.txt.installed  ## lint, format and type check
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy

packages:  ## Slurm and LaTeX, which tests start, where they can be installed
	@tests/install.sh

fast: .venv/requirements-dev.txt.installed  ## the tests that take less than two minutes together
	@$(RUN) -m pytest -n 2 --dist loadfile -m "not slow and not slurm"

test: .venv/requirements-dev.txt.installed packages  ## all tests, as CI runs them
	@$(RUN) -m pytest -n 3 --dist loadfile --no-loadscope-reorder --durations=40

docs: .venv/requirements-dev.txt.installed  ## the documentation as a site in .cache/site, warnings as errors
	@PYTHONPATH=. JAX_PLATFORMS=cpu NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --quiet

notebooks: .venv/requirements-dev.txt.installed  ## runs the notebooks of the documentation and stores their outputs
	@PYTHONPATH=$(CURDIR) JAX_PLATFORMS=cpu $(RUN) docs/notebooks.py

readme: .venv/$(REQUIREMENTS).installed  ## puts the table as it is now into the README
	@$(RUN) -m launch.table --experiment=regularization --out=.cache/table.md
	@{ sed '/^<!-- table -->/q' README.md; echo; cat .cache/table.md; echo; sed -n '/^<!-- end/,$$p' README.md; } > .cache/readme.md
	@mv .cache/readme.md README.md

clean:  ## removes what can be made again; the records stay
	rm -rf .venv .cache .mypy_cache .ruff_cache .hypothesis "$${XDG_CACHE_HOME:-$$HOME/.cache}/jax-ablations"

# Installs only when a requirements file is newer than its stamp. Python compiles what it imports; pip would compile all,
# which takes as long again.
.venv/%.installed: % requirements.txt | .venv/bin/pip
	@echo "installing $< into .venv; this takes a minute or two" >&2
	@$(RUN) -m pip install --quiet --disable-pip-version-check --no-compile --no-warn-conflicts $(NO_DEPS) -r $<
	@touch $@

# The tests fit all boosted trees. CatBoost declares libraries for plots, which are left out.
.venv/requirements-dev.txt.installed: .venv/requirements-trees.txt.installed
.venv/requirements-trees.txt.installed: NO_DEPS := --no-deps

.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "error: Python 3.11 or newer is needed; install it, or say make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "error: $(PYTHON) has no venv; install it (Debian, Ubuntu: apt install python3.11-venv)" >&2; exit 1; }
	@$(PYTHON) -m venv .venv
