"""Carry out the experiments of ``12_compare`` that its tables lack.

    make experiments                                  # all of them: hours
    make experiments CORPUS=my_recordings             # the layers, with a folder of your own
    python -m tools.experiments remedies              # those of one group

A run that is in the table is not made again, so a command that was stopped goes on where it was;
what a killed run has written of its answers is dropped.
"""

import argparse
import csv
import datetime
import hashlib
import platform
from collections.abc import Iterator
from dataclasses import asdict, fields, replace
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from helpers.networks.classifiers import LAYERS
from helpers.study import experiments, results
from helpers.study.experiments import BASELINE, CHOOSING, Run

SEEDS = range(5)
RATES = {
    "SimpleRNN": (1e-4, 3e-4, 1e-3, 3e-3),
    "GRU": (3e-4, 1e-3, 3e-3, 1e-2),
    "LSTM": (3e-4, 1e-3, 3e-3, 1e-2),
    BASELINE: (0.001, 0.01, 0.1, 1.0),
}
FOLDS = ("july wadley dashk0", "armelle ktuberling-en ktuberling-ru", "paola klettres-gb buraya")
"""Each unheard voice stays so in one of three, while the others are trained on."""
TELEPHONES = "armelle july paola"
"""The unheard voices that were recorded on a telephone line: one in each of `FOLDS`."""


def best_rate(layer: str, table: pd.DataFrame, hop_ms: int = Run.hop_ms) -> float:
    """Return the learning rate of the highest mean validation accuracy."""
    tried = table[(table["layer"] == layer) & (table["hop_ms"] == hop_ms)]
    seeds = tried[tried["seed"].isin(CHOOSING)].groupby("learning_rate")["seed"].nunique()
    if seeds.reindex(RATES[layer]).min() != len(CHOOSING):
        group = "rates" if hop_ms == Run.hop_ms else "long rates"
        raise SystemExit(f"{layer}: first make the runs of the group '{group}'")
    return float(results.best_rates(table, hop_ms)[layer])


def wanted(group: str, path: Path, recordings: str = "") -> Iterator[Run]:
    """Yield the runs of a group; but for those of rates, at the rates that were chosen."""
    if recordings:
        spoken = " ".join(sorted(experiments.clips(recordings)["language"].unique()))
        for run in wanted(group, path):
            yield replace(run, corpus=recordings, languages=spoken)
        return
    if group == "rates":
        for layer, rates in RATES.items():
            yield from (Run(layer, rate, seed) for rate in rates for seed in CHOOSING)
        return
    if group == "long rates":  # does the layer without gates want another one for longer ways?
        for rate in RATES["SimpleRNN"]:
            yield from (Run("SimpleRNN", rate, seed, hop_ms=10) for seed in CHOOSING)
        return
    table = results.read(path)
    rate = {layer: best_rate(layer, table) for layer in RATES}
    for seed in SEEDS:
        gru = Run("GRU", rate["GRU"], seed)
        plain = Run(BASELINE, rate[BASELINE], seed)
        simple = Run("SimpleRNN", rate["SimpleRNN"], seed)
        match group:
            case "layers":
                yield from (Run(layer, rate[layer], seed) for layer in (*LAYERS, BASELINE))
            case "one voice":  # of two languages, and the language that nobody taught
                yield replace(gru, languages="en es")
                yield replace(plain, languages="en es")
                yield replace(gru, languages="en es", per_excerpt=True)
                yield replace(gru, languages="en fr it ru")
            case "remedies":
                for base in (gru, plain):
                    yield replace(base, per_excerpt=True)
                    yield replace(base, fmax=4000)
                    yield replace(base, n_mfcc=13)
                    yield replace(base, speeds=True)
                    yield from (replace(base, kept_out=fold) for fold in FOLDS)
                    for fold in ("", *FOLDS):
                        yield replace(base, per_excerpt=True, fmax=4000, speeds=True, kept_out=fold)
            case "sentences":  # not only names are kept apart, but whatever sounds like the same
                for layer in (*LAYERS, BASELINE):
                    yield Run(layer, rate[layer], seed, by="sentence")
                yield replace(gru, languages="en es", by="sentence")
                yield replace(plain, languages="en es", by="sentence")
            case "order":  # of the frames, where mean and variance tell nothing
                yield replace(gru, languages="en es", per_excerpt=True, shuffled=True)
                yield replace(gru, per_excerpt=True, shuffled=True)
                yield replace(gru, seconds=0.25, shuffled=True)
            case "telephones":  # more voices, but none of them on a telephone line
                yield replace(gru, kept_out=TELEPHONES)
            case "short":
                for layer in LAYERS:
                    for seconds in (0.25, 0.5, 1.0):
                        yield Run(layer, rate[layer], seed, seconds=seconds)
            case "long":
                longer = Run("SimpleRNN", best_rate("SimpleRNN", table, 10), seed, hop_ms=10)
                yield longer
                yield replace(longer, clipnorm=0.0)
                yield replace(simple, clipnorm=0.0)
                yield replace(gru, hop_ms=10)


GROUPS = (
    "rates",
    "layers",
    "one voice",
    "remedies",
    "telephones",
    "short",
    "long rates",
    "long",
    "sentences",
    "order",
)
ANYWHERE = ("rates", "layers", "short", "long rates", "long")
"""The groups that make sense with any corpus; the others speak of voices of this one."""


def key(run: Run) -> str:
    """Return the name of a run in the tables, from all fields that are not as they are unasked."""
    told = [
        f"{field.name}={getattr(run, field.name)}"
        for field in fields(run)
        if getattr(run, field.name) != field.default
    ]
    return hashlib.sha256(" ".join(told).encode()).hexdigest()[:10]


def append(path: Path, rows: list[dict]) -> None:
    """Add rows to a table, with the names of the columns where it is new."""
    new = not path.exists()
    if not new and list(pd.read_csv(path, nrows=0)) != list(rows[0]):
        raise SystemExit(f"{path} has other columns than these rows; move it away to begin anew")
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerows(rows)


def drop_unfinished(runs: Path, answers: Path) -> None:
    """Drop answers whose run has no row: it was stopped between the two."""
    if answers.exists():
        done = pd.read_csv(runs)["run"] if runs.exists() else []
        told = pd.read_csv(answers)
        if not told["run"].isin(done).all():
            told[told["run"].isin(done)].to_csv(answers, index=False, lineterminator="\n")


def make(run: Run, runs: Path, answers: Path) -> None:
    """Carry out a run and add it to the tables; its row comes last."""
    row, told = experiments.carry_out(run)
    rounded = {k: f"{v:.5g}" if isinstance(v, float) else v for k, v in row.items()}
    rounded |= {"date": datetime.date.today(), "python": platform.python_version()}
    rounded |= {name: version(name) for name in ("keras", "tensorflow", "librosa", "scikit-learn")}
    told.insert(0, "run", key(run))
    append(answers, told.to_dict("records"))
    append(runs, [{"run": key(run), **rounded, "machine": platform.machine()}])
    print(*asdict(run).values(), "->", rounded["epochs"], rounded["accuracy"], flush=True)


def main(groups: list[str], recordings: str = "") -> None:
    """Make what the tables lack."""
    possible = ANYWHERE if recordings else GROUPS
    if unknown := set(groups) - set(possible):
        raise SystemExit(f"no group {', '.join(unknown)}; there are {', '.join(possible)}")
    runs, answers = results.tables(recordings)
    runs.parent.mkdir(parents=True, exist_ok=True)
    drop_unfinished(runs, answers)
    for group in groups or possible:
        done = set(pd.read_csv(runs)["run"]) if runs.exists() else set()
        for run in wanted(group, runs, recordings):
            if key(run) not in done:
                make(run, runs, answers)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("groups", nargs="*", help=f"of {', '.join(GROUPS)}; all unless given")
    parser.add_argument("--corpus", default="", help="a folder laid out as language/speaker/clip")
    asked = parser.parse_args()
    main(asked.groups, asked.corpus)
