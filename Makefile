# make demo   install, simulate a cohort, run the whole study on it
# make report build Snakemake's own report of the finished run, results/report/run.zip
# make test   install, lint, run all tests
# make soak   tests that take long: faults at every stage, many spots, 100,000 spots planned
# make lint   format and lint checks alone
# make docs   build the documentation as a site, build/docs
# make bench  random tissue microarrays: right, abstained and wrong; see benchmarks/README.md
# Another interpreter: make demo PYTHON=python3.12

PYTHON ?= python3
INSTALLED := .venv/installed
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.DEFAULT_GOAL := demo
.PHONY: demo report test soak lint docs bench

demo: $(INSTALLED) demo/patients.csv
	snakemake --quiet rules
	@echo "Study report: $(CURDIR)/results/report/study.html"
	@echo "For the commands of your own, first: . .venv/bin/activate"

# Of whatever study this folder holds; the study report itself is made by `snakemake`.
report: $(INSTALLED)
	snakemake --quiet rules --report results/report/run.zip
	@echo "Report of the run: $(CURDIR)/results/report/run.zip"

# Four files at a time on two cores, for whole runs wait now and then and those on a cluster mostly;
# none spins on a core that another could use. Whole runs first, the longest before all. Their files
# are named one by one: of a file and its folder pytest makes one, in the order of the alphabet.
LONGEST := tests/workflow/test_study.py tests/workflow/test_executors.py
RUNS := $(LONGEST) $(filter-out $(LONGEST),$(wildcard tests/workflow/test_*.py)) tests/real/
test: export OMP_WAIT_POLICY := passive
test: lint
	pytest -n 4 --dist loadfile --no-loadscope-reorder --durations 15 $(RUNS) \
		$(filter-out tests/workflow/ tests/real/ tests/__pycache__/,$(wildcard tests/*/)) \
		$(wildcard tests/test_*.py)

soak: $(INSTALLED)
	pytest -m soak

lint: $(INSTALLED)
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile workflow
	lint-imports

docs: $(INSTALLED)
	python docs/_reference.py
	NO_MKDOCS_2_WARNING=1 mkdocs build --strict

bench: $(INSTALLED)
	PYTHONPATH=. python benchmarks/random_grids.py

# Written last by the demo command, so that an interrupted one is done again.
demo/patients.csv: | $(INSTALLED)
	histosurv demo demo

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "histosurv needs Python 3.11 or newer: make PYTHON=python3.12")'
	@echo "Installing into .venv: some minutes, most of them for torch."
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --disable-pip-version-check --progress-bar off --quiet --no-compile \
		--constraint constraints.txt --editable '.[test]'
	@# pip compiles on one core, and the packages' own tests, which nobody runs.
	@.venv/bin/python -m compileall -qq -j 0 -x /tests/ .venv/lib || true
	@touch $@
