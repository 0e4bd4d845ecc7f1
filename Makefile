# make run          start a primary and a replica here (PORT=6379, data under ./data/), Ctrl-C ends them; one that ends leaves the other
# make test         the whole test suite
# make lint         ruff and mypy --strict
# make conformance  Redis's own test suite against Chronis (UNITS="unit/type/string …", ARGS="--help")
# make bench        side by side with redis-server (ARGS="--help")
# make pictures     the dashboards and chronis top, drawn from a run of two minutes into deploy/pictures
# make replication-bench  replication beside redis-server's (ARGS="--help")
# make wheels       what machines without a compiler install: a wheel with the compiled modules, and the sources, into dist/
# make clean        remove everything that can be made again (data/ stays)

PYTHON ?= python3
PORT ?= 6379
VENV := .venv
PY := $(VENV)/bin/python
# What is compiled: `.pyx`, and the modules with a .pxd beside them.
TYPES := $(shell find store -name '*.pxd' 2>/dev/null)
COMPILED := $(shell find store -name '*.pyx' 2>/dev/null) $(TYPES) $(wildcard $(TYPES:.pxd=.py))
PACKAGES := $(wildcard store replication metrics)

# Run with the compiled modules and again with their sources: what commands do, what is stored, what crashes leave.
ON_BOTH := tests/store/commands tests/store/resp tests/store/test_table.py tests/store/test_turn.py tests/properties tests/crash tests/oracle tests/e2e/test_main_job.py

.PHONY: run test lint conformance bench replication-bench pictures wheels clean

run: $(VENV)/.installed
	@$(PY) -m store.tools.run_local --port $(PORT) $(ARGS)

test: $(VENV)/.installed-dev
	@.ci/install-debian-packages
	@$(PY) -m pytest $(ARGS)
	@[ -n "$(ARGS)" ] || { echo "once more without compiled modules:"; CHRONIS_PURE=1 $(PY) -m pytest -q $(ON_BOTH); }

lint: $(VENV)/.installed-dev
	@$(PY) -m ruff check .
	@$(PY) -m mypy --strict $(PACKAGES)

conformance: $(VENV)/.installed-dev
	@.ci/install-debian-packages
	@$(PY) -m tests.conformance $(ARGS) $(UNITS)

bench: $(VENV)/.installed-dev
	@.ci/install-debian-packages
	@$(PY) -m tests.bench $(ARGS)

pictures: $(VENV)/.installed-dev
	@.ci/install-debian-packages
	@$(PY) -m tests.pictures $(ARGS)

replication-bench: $(VENV)/.installed-dev
	@.ci/install-debian-packages
	@$(PY) -m tests.bench.replication $(ARGS)

wheels: $(PY)
	@$(PY) -m pip install -q --disable-pip-version-check build
	@$(PY) -m build --outdir dist

clean:
	rm -rf .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist *.egg-info tests/bench/results
	find store replication metrics tests -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
	find store \( -name '*.c' -o -name '*.so' \) -delete
	rm -rf $(VENV)

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Chronis needs Python 3.11 or newer: make PYTHON=python3.11")'
	@$(PYTHON) -m venv $(VENV)

# The stamps are newer than what they were made from: packaging changes and compiled sources install again.
$(VENV)/.installed: pyproject.toml setup.py $(COMPILED) | $(PY)
	@echo "installing Chronis into $(VENV); with a C compiler this takes two to five minutes"
	@$(PY) -m pip install -q --disable-pip-version-check -e .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml setup.py $(COMPILED) | $(PY)
	@echo "installing Chronis and its development tools into $(VENV); with a C compiler this takes two to five minutes"
	@$(PY) -m pip install -q --disable-pip-version-check -e '.[dev]'
	@touch $@ $(VENV)/.installed
