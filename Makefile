# Two commands matter: `make lab` opens the course, `make test` checks it.
PYTHON ?= python3
VENV   ?= .venv
UV     := 0.13.9
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
# make lab PORT=8890 BROWSER=no ARGS=--allow-root  (ARGS: whatever else JupyterLab takes)
PORT    ?= 8888
BROWSER ?= yes

.PHONY: lab test run lock corpus format clean

$(VENV)/.ready: requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV)
	$(BIN)/python -m uv pip install --quiet --python $(VENV) --require-hashes -r requirements.lock
	$(BIN)/python -c "open('$(VENV)/.ready', 'w').close()"

lab: $(VENV)/.ready
	$(BIN)/python -m jupyterlab --port=$(PORT) $(if $(filter no,$(BROWSER)),--no-browser) $(ARGS) \
	  notebooks/00_start_here.ipynb

test: $(VENV)/.ready
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m pytest -q
	$(BIN)/python -m pytest -q --nbval --nbval-sanitize-with tests/nbval.cfg notebooks

# Execute notebooks and store their outputs: make run NB=03 (all whose names begin so; or all)
run: $(VENV)/.ready
	$(BIN)/python tools/execute.py $(NB)

# Resolve the newest versions again; the lock names no index.
lock: $(VENV)/.ready
	$(BIN)/python -m uv pip compile --quiet --upgrade --universal --generate-hashes \
	  --no-emit-index-url --no-header --python-version 3.11 pyproject.toml --group dev -o requirements.lock

# Rebuild assets/speech from Debian's packages (on Debian or Ubuntu); DEBS=folder takes them from there.
corpus: $(VENV)/.ready
	$(BIN)/python -m uv pip install --quiet --python $(VENV) --group corpus
	$(BIN)/python tools/build_corpus.py $(DEBS)

format: $(VENV)/.ready
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

clean:
	$(PYTHON) -c "import shutil; shutil.rmtree('$(VENV)', ignore_errors=True)"
