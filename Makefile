# The few verbs of this repository. They need Python 3.11+ and make; uv is brought into .uv if the machine has none.

PYTHON ?= python3
UV := $(shell command -v uv || echo .uv/bin/uv)
export UV_PYTHON_DOWNLOADS = never
# Who runs a server may not write beside its code, and would compile all of it at every start.
export UV_COMPILE_BYTECODE = 1
export UV_PROJECT_ENVIRONMENT = .venv
NEW_ENOUGH = $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "wabot needs Python 3.11 or newer: make PYTHON=python3.12 …")'
OURS := wabot wabot-cli $(notdir $(wildcard plugins/*))

.PHONY: help run install test chaos mutants lint clean

help: ## these verbs
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /	/' | expand -t 8

run: .venv/ready ## a demonstration shop, with a WhatsApp to try it in the browser
	@exec .venv/bin/wabot demo

# Copies, so that new files in the checkout change nothing before the next `make install`; built anew each time, since
# uv looks at versions only.
install: | $(UV) ## wabot for a server, in .venv: the locked versions, nothing for developers
	@$(NEW_ENOUGH)
	$(UV) sync --locked --quiet --python $(PYTHON) --no-default-groups --group server --no-editable $(OURS:%=--reinstall-package %)
	@rm -f .venv/ready

test: lint ## everything that can fail, two a core: half of a test is waiting
	.venv/bin/pytest -n 4 --dist worksteal

chaos: .venv/ready ## kill everything while customers talk: about ten minutes; ARGS="--kills 20 --messages 2000" for less
	.venv/bin/python -m tests.chaos $(ARGS)

mutants: .venv/ready ## take each mechanism out in turn: its test must notice
	.venv/bin/python -m tests.mutants

lint: .venv/ready ## style, types and the architecture's floors
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

clean: ## forget the environment, not the data
	rm -rf .venv .uv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

.venv/ready: uv.lock pyproject.toml $(wildcard */pyproject.toml plugins/*/pyproject.toml) | $(UV)
	@$(NEW_ENOUGH)
	$(UV) sync --locked --quiet --python $(PYTHON)
	@touch $@

# Into the project, never into the system: some Debian releases refuse the latter, and some lack venv.
.uv/bin/uv:
	@$(PYTHON) -m venv .uv 2>/dev/null && .uv/bin/pip install --quiet --disable-pip-version-check uv \
	|| { rm -rf .uv; $(PYTHON) -m pip install --quiet --disable-pip-version-check --target .uv uv; } \
	|| { rm -rf .uv; echo 'Install uv, or pip or venv for $(PYTHON) (Debian: apt-get install python3-venv).' >&2; exit 1; }
