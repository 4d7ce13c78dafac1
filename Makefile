# Every target sets up what it needs: `make demo` and `make test` work on a fresh clone with Python 3.11 or later.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
EXTRAS ?= test,lint,parquet,examples
REPORT ?= demo
# the tests run in as many processes as there are cores, each with one thread for linear algebra
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

.DEFAULT_GOAL := help
.PHONY: help demo test test-pandas2 fuzz lint docs calibrate benchmark analyses clean

help:
	@echo "make demo       the whole story on a bundled simulated trial; opens as $(REPORT)/report/index.html"
	@echo "make test       lint, types and all tests but the slow simulations"
	@echo "make fuzz       thousands of damaged files, command lines, kills and changed characters (long)"
	@echo "make docs       the documentation as pages, without warnings; opens as build/site/index.html"
	@echo "make calibrate  simulated size and coverage of the defaults (long); writes docs/calibration/"
	@echo "make benchmark  speed, as ratios against other packages; writes docs/benchmarks.md"
	@echo "make analyses   re-runs everything in analyses/"

$(VENV)/.core: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("trialkit needs Python 3.11 or later; this is " + sys.version.split()[0] + ". Say make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.all: $(VENV)/.core
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[$(EXTRAS)]"
	@touch $@

demo: $(VENV)/.core
	$(BIN)/trialkit demo --folder $(REPORT)

lint: $(VENV)/.all
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(ONE_THREAD) $(BIN)/pytest -n auto --dist loadfile -m "not calibration" --ignore tests/benchmarks

# the same tests on the older pandas that is still supported; the kernels in inference/ know no pandas
test-pandas2:
	test -x .venv-pandas2/bin/python || $(PYTHON) -m venv .venv-pandas2
	.venv-pandas2/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[test,parquet]" "pandas>=2.2,<2.3"
	$(ONE_THREAD) .venv-pandas2/bin/pytest -n auto --dist loadfile -m "not calibration" --ignore tests/scripts --ignore tests/benchmarks --ignore tests/calibration --ignore tests/inference

fuzz: $(VENV)/.all
	$(ONE_THREAD) $(BIN)/python -m tests.bad_input.fuzz --cases 2000 --seed 1
	$(ONE_THREAD) $(BIN)/python -m tests.bad_input.kills --moments 100 --seed 1
	$(ONE_THREAD) $(BIN)/python -m tests.bad_input.tampering --places 60 --seed 1

$(VENV)/.docs: $(VENV)/.core
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[docs]"
	@touch $@

# every warning stops the build: a broken link, a page that is not there
docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

calibrate: $(VENV)/.all
	$(BIN)/pytest -m calibration --no-header -rA; failed=$$?; $(BIN)/python -m tests.calibration.page && exit $$failed

benchmark: $(VENV)/.all
	$(BIN)/python -m tests.benchmarks.page
	$(BIN)/pytest tests/benchmarks --benchmark-enable --benchmark-columns=min,median,max --benchmark-warmup=on

analyses: $(VENV)/.all
	$(BIN)/python analyses/klier_2019/run.py
	$(BIN)/python analyses/felgenhauer_2019/run.py
	$(BIN)/python analyses/henderson_2013/run.py
	$(BIN)/python analyses/himle_2014/run.py
	$(BIN)/python analyses/job_clubs/run.py
	$(BIN)/python analyses/kast_2012_groups/run.py
	$(BIN)/python analyses/greaney_2016/run.py
	$(BIN)/python analyses/venkatesh_2010/run.py
	$(BIN)/python analyses/assam_2015/run.py
	$(BIN)/python analyses/chaudhary_2010/run.py
	$(BIN)/python analyses/fafchamps_2012/run.py
	$(BIN)/python analyses/liu_2014/run.py
	$(BIN)/python analyses/brody_2017/run.py
	$(BIN)/python analyses/jobs_ii_2000/run.py
	$(BIN)/python analyses/kast_2012_sms/run.py
	$(BIN)/python analyses/tyohon/run.py
	$(BIN)/python analyses/jobs_ii/run.py
	$(BIN)/python analyses/nsw/run.py
	$(BIN)/python analyses/thornton/run.py
	$(BIN)/python analyses/star/run.py
	$(BIN)/python analyses/btheb/run.py
	$(BIN)/python analyses/questions/guide.py

clean:
	rm -rf $(VENV) .venv-pandas2 $(REPORT) .pytest_cache .mypy_cache .ruff_cache .hypothesis
