# Two commands matter: `make lab` opens the course, `make test` checks it.
PYTHON ?= python3
VENV   ?= .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
# make lab PORT=8890 BROWSER=no ARGS=--allow-root  (ARGS: whatever else JupyterLab takes)
PORT    ?= 8888
BROWSER ?= yes
# Tests run in two processes; a module's tests, and a notebook's cells, stay in one, in their order.
JOBS   ?= 2
PYTEST := -m pytest -q -n $(JOBS) --dist loadscope

.PHONY: lab test test-signal run handout bench experiments lock corpus format clean

$(VENV)/.ready: requirements.lock
	@$(PYTHON) tools/install.py $(VENV)

lab: $(VENV)/.ready
	$(BIN)/python -m jupyterlab --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb \
	  --port=$(PORT) $(if $(filter no,$(BROWSER)),--no-browser) $(ARGS)

test: $(VENV)/.ready
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python $(PYTEST)
	$(BIN)/python $(PYTEST) --nbval notebooks
	$(BIN)/python -m tools.other_pythons "$(MAKE)"

# What runs on the oldest and the newest Python: all but the notebooks that train networks.
test-signal: $(VENV)/.ready
	$(BIN)/python $(PYTEST)
	$(BIN)/python $(PYTEST) --nbval $(wildcard notebooks/0[0-6]_*.ipynb)

# Execute notebooks and store their outputs: make run NB=03 (all whose names begin so; or all)
run: $(VENV)/.ready
	$(BIN)/python tools/execute.py $(NB)

# How long feature extraction, imports and training take on this machine
bench: $(VENV)/.ready
	$(BIN)/python -m tools.bench

# Carry out what the tables under assets/experiments lack: hours from scratch, and resumable.
# CORPUS=my_recordings compares the layers on a folder of your own instead.
experiments: $(VENV)/.ready
	$(BIN)/python -m tools.recall
	$(BIN)/python -m tools.experiments --corpus "$(CORPUS)"

# Resolve the newest versions again; the lock names no index.
lock: $(VENV)/.ready
	$(BIN)/python -m uv pip compile --quiet --upgrade --universal --generate-hashes \
	  --no-emit-index-url --no-header --python-version 3.11 pyproject.toml --group dev -o requirements.lock

# Rebuild assets/speech from Debian's packages (on Debian or Ubuntu); DEBS=folder takes them from there.
corpus: $(VENV)/.ready
	$(BIN)/python -m tools.build_corpus $(if $(DEBS),--debs "$(DEBS)")

# The notebooks without the solutions, to give to a class; they run from handout/ as they are.
handout: $(VENV)/.ready
	$(BIN)/python -m nbconvert --log-level=WARN --to notebook --output-dir handout \
	  --TagRemovePreprocessor.enabled=True --TagRemovePreprocessor.remove_cell_tags=solution \
	  $(wildcard notebooks/*.ipynb)

format: $(VENV)/.ready
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

clean:
	$(PYTHON) -c "import glob, shutil; [shutil.rmtree(d) for d in glob.glob('.venv*')]"
