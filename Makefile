# `make help` lists the targets. Two matter: `make lab` opens the course, `make test` checks it.
PYTHON ?= python3
VENV   ?= .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
PORT    ?= 8888
BROWSER ?= yes
# Tests run in two processes; a module's tests, and a notebook's cells, stay in one, in their order.
# A process that was ended because a test hung is not started again: it would hang again.
JOBS   ?= 2
PYTEST := $(BIN)/python -m pytest -q -n $(JOBS) --dist loadscope --max-worker-restart=0

.DEFAULT_GOAL := help
.PHONY: help lab present test test-all test-signal test-browser-all test-corpora check run handout assignment \
  rehearse site pdf slides bench mutants experiments cluster test-cluster corpus lock address \
  contribute format clean

help: ## list what make can do
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-12s %s\n", $$1, $$2}'

$(VENV)/.ready: requirements.lock
	@$(PYTHON) tools/install.py $(VENV)

lab: $(VENV)/.ready ## open the course in JupyterLab (PORT=8890 BROWSER=no ARGS=...)
	$(BIN)/python -m tools.lab --port=$(PORT) $(if $(filter no,$(BROWSER)),--no-browser) $(ARGS)

present: $(VENV)/.ready ## play a notebook as slides in JupyterLab, its figures alive: NB=03
	@test -n "$(NB)" || { echo 'say which notebook: make present NB=03'; exit 2; }
	$(BIN)/python -m tools.lab --present=$(NB) --port=$(PORT) $(if $(filter no,$(BROWSER)),--no-browser) $(ARGS)

test: $(VENV)/.ready ## check everything, in the environment at hand
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(PYTEST)
	$(PYTEST) --nbval notebooks

test-all: test ## and most of it on the oldest and the newest Python that the course supports
	$(BIN)/python -m tools.other_pythons "$(MAKE)"

# What runs on the oldest and the newest Python: all but the notebooks that train networks, and the
# browser, which does not depend on them. The lock has other versions of packages for each.
test-signal: $(VENV)/.ready
	$(PYTEST) --ignore=tests/browser
	$(PYTEST) --nbval $(wildcard notebooks/0[0-6]_*.ipynb notebooks/detour_*.ipynb)

# One process: what is measured should have the machine for itself.
test-browser-all: $(VENV)/.ready ## every page, deck and figure in a real browser, and the figures' latency
	$(BIN)/python -m pytest -q -m exhaustive tests/browser
	@mkdir -p build
	$(BIN)/python -m tools.measure_latency > build/latency.txt && cat build/latency.txt

test-corpora: $(VENV)/.ready ## run notebooks 10 to 13 on folders made like the corpora that people have
	$(BIN)/python -m pytest -q -m exhaustive tests/test_own_corpora.py

check: $(VENV)/.ready ## check one notebook in a minute: NB=03
	@test -n "$(NB)" || { echo 'say which notebook: make check NB=03'; exit 2; }
	$(BIN)/python -m ruff check notebooks/$(NB)*.ipynb
	$(BIN)/python -m ruff format --check notebooks/$(NB)*.ipynb
	$(BIN)/python -m pytest -q tests/test_notebooks.py tests/exercises -k "$(NB)"
	$(BIN)/python -m pytest -q --nbval notebooks/$(NB)*.ipynb

run: $(VENV)/.ready ## execute notebooks and store their outputs: NB=03 (all whose names begin so; or all)
	$(BIN)/python -m ruff check --quiet --fix --exit-zero notebooks/$(NB)*.ipynb
	$(BIN)/python -m ruff format --quiet notebooks/$(NB)*.ipynb
	$(BIN)/python -m tools.execute $(NB)

handout: $(VENV)/.ready ## write the notebooks without the solutions to handout/, where they run as they are
	$(BIN)/python -m tools.handout

.venv-grading/.ready: requirements.lock pyproject.toml | $(VENV)/.ready
	$(BIN)/python -m uv venv --quiet --allow-existing --python $(BIN)/python .venv-grading
	$(BIN)/python -m uv pip install --quiet --compile-bytecode --python .venv-grading -r requirements.lock --group grading
	@touch $@

assignment: .venv-grading/.ready ## write notebooks as graded assignments for nbgrader to grading/: NB=03 (or all)
	.venv-grading/bin/python -m tools.grading $(NB) $(ARGS)

rehearse: .venv-grading/.ready ## carry a made-up class through nbgrader, and see that it is graded rightly: NB=03
	.venv-grading/bin/python -m tests.rehearsal $(NB)

site: $(VENV)/.ready ## write the course as pages that need no server to build/site (ARGS=--still: in seconds)
	$(BIN)/python -m tools.website $(ARGS)

pdf: $(VENV)/.ready ## print the pages of `make site` to build/pdf, a file for each notebook (needs Chromium)
	$(BIN)/python -m tools.website.pdf $(ARGS)

slides: $(VENV)/.ready ## write the notebooks as slides, a file each, to build/slides (ARGS=--notes)
	$(BIN)/python -m tools.slides $(ARGS)

bench: $(VENV)/.ready ## measure what features, hours of speech and training take here (ARGS="hours --hours 20")
	$(BIN)/python -m tools.bench $(ARGS)

.venv-mutants/.ready: requirements.lock pyproject.toml | $(VENV)/.ready
	$(BIN)/python -m uv venv --quiet --allow-existing --python $(BIN)/python .venv-mutants
	$(BIN)/python -m uv pip install --quiet --compile-bytecode --python .venv-mutants -r requirements.lock --group mutants
	@touch $@

mutants: .venv-mutants/.ready ## count changes of code that no test notices: M=helpers/audio/windows.py (or all)
	.venv-mutants/bin/python -m tools.mutants $(M) $(ARGS)

WORKERS = $(if $(PROCESSES),--processes $(PROCESSES)) $(if $(DASK),--dask "$(DASK)")

experiments: $(VENV)/.ready ## carry out what the tables lack: hours, resumable (CORPUS=my_recordings PROCESSES=2)
	$(BIN)/python -m tools.recall $(WORKERS)
	$(BIN)/python -m tools.experiments --corpus "$(CORPUS)" $(WORKERS)
	$(BIN)/python -m tools.strangers --corpus "$(CORPUS)" $(WORKERS)

cluster: $(VENV)/.ready ## add Dask; make experiments DASK=tcp://host:8786 then works on a cluster
	$(BIN)/python -m uv pip install --quiet --python $(VENV) -r requirements.lock --group cluster

test-cluster: cluster ## try Dask here: a scheduler and two workers, of which one is killed
	$(BIN)/python -m pytest -q tests/tools/test_dask.py

corpus: $(VENV)/.ready ## rebuild the clips in assets from Debian's packages (DEBS=folder takes them from there)
	$(BIN)/python -m tools.build_corpus $(if $(DEBS),--debs "$(DEBS)")
	$(BIN)/python -m tools.build_synthetic

lock: $(VENV)/.ready ## resolve all packages to their newest versions; the lock names no index
	$(BIN)/python -m uv pip compile --quiet --upgrade --universal --generate-hashes \
	  --no-emit-index-url --no-header --python-version 3.11 pyproject.toml --group dev -o requirements.lock

address: $(VENV)/.ready ## show where others get the course: ADDRESS=https://github.com/me/course, or none
	$(BIN)/python -m tools.address $(ADDRESS)

contribute: $(VENV)/.ready ## for contributors: readable differences of notebooks, checks before a commit
	$(BIN)/python -m uv pip install --quiet --python $(VENV) --group contribute
	git config diff.jupyternotebook.command "$(BIN)/python -m nbdime.vcs.git.diffdriver diff"
	git config merge.jupyternotebook.driver "$(BIN)/python -m nbdime.vcs.git.mergedriver merge %O %A %B %L %P"
	git config merge.jupyternotebook.name "cell by cell, by nbdime"
	$(BIN)/python -m pre_commit install

format: $(VENV)/.ready ## before every commit
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

clean: ## remove the environments
	$(PYTHON) -c "import glob, shutil; [shutil.rmtree(d) for d in glob.glob('.venv*')]"
