"""Alter the code of helpers, one small change at a time, and count which changes the tests notice.

    python -m tools.mutants [helpers/audio/windows.py ...] [--sample 100] [--survivors]

`make mutants` calls it, in an environment of its own. mutmut makes the altered copies (mutants) and
runs on each the tests of its module, those in `tests/` and the examples in its docstrings.

- A mutant is killed if one of these tests fails with it, or cannot be collected. One that runs out
  of time (timeout), or with which pytest does not even start or dies (broken), counts for itself
  and not as killed. The score is what is killed of all that were tried.
- Not altered are docstrings, annotations, and the wording of messages (`[tool.mutmut]` says how it
  is recognised); nor what runs once, as a module is imported, nor functions under a decorator:
  mutmut changes the bodies of plain functions and methods.
- `build/mutants/scores.csv` keeps the table, `build/mutants/MODULE/survivors.diff` shows what no
  test noticed. Some changes change nothing that a test could notice (`x * 1` for `x / 1`).
"""

import argparse
import contextlib
import csv
import inspect
import os
import random
import re
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path

from mutmut.configuration import reset_config
from mutmut.mutation import trampoline
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.mutation.file_mutation import mutate_file_contents
from mutmut.utils.format_utils import get_mutant_name

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "mutants"

TESTS = {
    "audio/signals": ["audio/test_signals"],
    "audio/windows": ["audio/test_windows"],
    "audio/features": ["audio/test_features"],
    "audio/decoding/__init__": ["audio/test_decoding"],
    "audio/decoding/formats": ["audio/test_decoding"],
    "audio/decoding/promises": ["audio/test_decoding"],
    "audio/decoding/decoders": ["audio/test_decoding"],
    "audio/loading": ["audio/test_loading"],
    "audio/corpus": ["audio/test_corpus"],
    "audio/languages": ["audio/test_languages"],
    "audio/selection": ["audio/test_selection"],
    "audio/corpora": ["audio/test_corpora"],
    "audio/recordings": ["audio/test_recordings", "audio/test_corpora"],
    "networks/recall": ["networks/test_recall"],
    "networks/pooling": ["networks/test_pooling"],
    "networks/layers": ["networks/test_layers", "networks/test_kinds"],
    "networks/classifiers": ["networks/test_classifiers", "networks/test_kinds"],
    "study/dataset": ["study/test_dataset"],
    "study/experiments": ["study/test_experiments"],
    "study/results": ["study/test_results"],
    "study/inference": ["study/test_inference"],
    "study/store": ["study/test_store"],
    "study/augmentation": ["study/test_augmentation"],
    "study/learning": ["study/test_learning"],
    "study/strangers": ["study/test_strangers"],
    "study/crossing": ["study/test_crossing"],
    "show/listen": ["show/test_plots_and_listen"],
    "environment": ["test_environment"],
    "exercises": ["test_exercises"],
    "grading": ["test_marks"],
}
"""Modules whose results are numbers or data, and the tests that concern them."""

# Imported once, before each mutant gets a process; helpers itself is imported anew for each.
PRELOADED = """hypothesis.extra.numpy librosa.core librosa.feature librosa.filters librosa.util
numba pandas scipy.optimize scipy.signal scipy.sparse scipy.stats
av soundfile""".split()
PRELOADED_NETWORKS = "tensorflow keras sklearn.linear_model sklearn.model_selection".split()

# One thread each, and none of pytest's plugins: they take longer to start than most tests.
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1",
               "TF_NUM_INTEROP_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3",
               "CUDA_VISIBLE_DEVICES": "-1", "HYPOTHESIS_PROFILE": "unshrunk",
               "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": ""}  # fmt: skip
COLUMNS = ["module", "mutants", "tried", "killed", "survived", "timeout", "broken", "score"]


def pytest_configure() -> None:
    """Let the ``__init__`` that mutmut puts in the place of ours take the same arguments.

    Keras looks for those of a layer's. pytest calls this, as a workplace's settings name this
    module as one of its plugins; tests that start a fresh interpreter do without, and are not run.
    """
    wrap = trampoline.wrap_in_trampoline

    def wrap_with_arguments(*options, **kind):
        def wrapped(function):
            made = wrap(*options, **kind)(function)
            if function.__name__ == "__init__":
                made.__signature__ = inspect.signature(function)
            return made

        return wrapped

    trampoline.wrap_in_trampoline = wrap_with_arguments


def workplace(module: str) -> Path:
    """Make the folder in which mutmut works on a module: links to the course, and settings."""
    folder = BUILD / module.replace("/", ".")
    (folder / "mutants").mkdir(parents=True, exist_ok=True)
    read = [f"mutants/{name}" for name in ("assets", "notebooks", "README.md")]
    for name in ("helpers", "tests", "tools", "conftest.py", *read):
        if not (link := folder / name).is_symlink():
            link.symlink_to(ROOT / Path(name).name)
    source = f"helpers/{module}.py"
    tests = [f"tests/{test}.py" for test in TESTS[module]]
    # mutmut's copies of a function keep its docstring, but not its name: examples count once.
    name = module.removesuffix("/__init__").replace("/", ".")
    prefix = f"--deselect={source}::helpers.{name}."
    classes = re.findall(r"^class (\w+)", (ROOT / source).read_text(encoding="utf-8"), re.M)
    copies = [f"{prefix}x_", *(f"{prefix}{name}.xǁ" for name in classes)]
    settings = {
        "source_paths": ["helpers"],
        "only_mutate": [source],
        "also_copy": ["conftest.py", "tools"],
        "pytest_add_cli_args_test_selection": [source, *tests],
        "pytest_add_cli_args": ["-o", "addopts=", "--doctest-modules", "-W", "error",
                                "--assert=plain", "-p", "no:unraisableexception",
                                "-p", "tools.mutants", "-k", "not fresh_interpreter",
                                "--ff", *copies],
        "preload_modules_file": "preloaded.txt",
    }  # fmt: skip
    written = "".join(f"{key} = {value!r}\n" for key, value in settings.items())
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    pyproject = pyproject.replace("[tool.mutmut]\n", "[tool.mutmut]\n" + written)
    (folder / "pyproject.toml").write_text(pyproject, encoding="utf-8")
    texts = "".join((ROOT / test).read_text(encoding="utf-8") for test in [source, *tests])
    networks = bool(re.search(r"helpers\.(networks|study)", texts))
    preloaded = PRELOADED + PRELOADED_NETWORKS * networks
    (folder / "preloaded.txt").write_text("\n".join(preloaded))
    return folder


def outcomes(source: Path) -> dict[str, str]:
    """Return what became of each mutant, from the exit codes of pytest and of signals."""
    data = SourceFileMutationData(path=source)
    data.load()
    fates = {
        1: "killed",
        2: "killed",
        0: "survived",
        5: "survived",
        33: "survived",
        None: "untried",
    }
    return {
        name: fates.get(code) or ("timeout" if code in (-24, 24, 152, -9) else "broken")
        for name, code in data.exit_code_by_key.items()
    }


def explain(command: list, settings: dict) -> None:
    """Print what the tests say, which mutmut keeps to itself unless asked."""
    path = Path("pyproject.toml")
    told = path.read_text(encoding="utf-8")
    path.write_text(told.replace("[tool.mutmut]\n", "[tool.mutmut]\ndebug = true\n"), "utf-8")
    subprocess.run(command, env=settings)


def measure(module: str, sample: int, survivors: bool) -> dict:
    """Try the mutants of a module, or as many of them by chance; return its line of the table."""
    folder, source = workplace(module), Path("helpers", f"{module}.py")
    with contextlib.chdir(folder):
        reset_config()
        if survivors:
            fates = outcomes(source)
            chosen = [name for name in fates if fates[name] not in ("killed", "untried")]
        else:
            Path("mutants", f"{source}.meta").unlink(missing_ok=True)
            mutated = mutate_file_contents(str(source), source.read_text(encoding="utf-8"))
            chosen = [get_mutant_name(source, name) for name in mutated.mutant_names]
            if sample and sample < len(chosen):
                chosen = random.Random(0).sample(chosen, sample)
        Path("mutants", "mutmut-stats.json").unlink(missing_ok=True)  # the tests may have changed
        Path("mutants", source).unlink(missing_ok=True)
        if chosen:
            command = [
                Path(sys.executable).with_name("mutmut"),
                "run",
                "--max-children",
                "1",
                *chosen,
            ]
            # Features by an altered module are kept apart; those of the course's own are read.
            cache = folder / "cache" if module.startswith("audio") else ROOT / ".cache"
            settings = {"WAVE_CACHE": str(cache), **os.environ, **ENVIRONMENT}
            if subprocess.run(command, env=settings).returncode:
                explain(command, settings)
                sys.exit(f"\n{module}: its tests fail without an alteration, too; see above")
        fates = outcomes(source)
        left = [name for name, fate in fates.items() if fate not in ("killed", "untried")]
        Path("survivors.diff").write_text(
            "".join(f"# {n}: {fates[n]}\n{get_diff_for_mutant(n, path=source)}\n" for n in left),
            encoding="utf-8",
        )
    count = Counter(fates.values())
    tried = len(fates) - count["untried"]
    score = f"{100 * count['killed'] / tried:.0f} %" if tried else ""
    return {"module": module, "mutants": len(fates), "tried": tried, **count, "score": score}


def main() -> None:
    """Measure modules one after the other; print and keep the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("sources", nargs="*", help="all that hold numbers or data unless given")
    parser.add_argument("--sample", type=int, default=0, help="of each module, so many by chance")
    parser.add_argument("--survivors", action="store_true", help="try again what survived")
    given = parser.parse_args()
    modules = [re.sub(r"^helpers/|\.py$", "", source) for source in given.sources] or list(TESTS)
    if unknown := set(modules) - set(TESTS):
        sys.exit(f"no tests are named for {', '.join(sorted(unknown))}; see TESTS in {__file__}")
    table = BUILD / "scores.csv"
    rows = []
    for module in modules:
        rows.append(measure(module, given.sample, given.survivors))
        known = list(csv.DictReader(table.open(encoding="utf-8"))) if table.exists() else []
        known = [row for row in known if row["module"] != module]
        with table.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, [*COLUMNS, "date"], restval=0, extrasaction="ignore")
            writer.writeheader()
            writer.writerows([*known, {**rows[-1], "date": date.today().isoformat()}])
    print("".join(f"{name:>10}" if name != "module" else f"\n{name:20}" for name in COLUMNS))
    for row in rows:
        print("".join(f"{row.get(c, 0):>10}" if c != "module" else f"{row[c]:20}" for c in COLUMNS))
    print("\nWhat survived, as diffs: build/mutants/MODULE/survivors.diff; all scores: scores.csv.")


if __name__ == "__main__":
    main()
