"""Carry out the experiments of ``12_compare`` that its tables lack.

    make experiments                                  # all of them: hours
    make experiments CORPUS=my_recordings             # the layers, with a folder of your own
    python -m tools.experiments remedies              # those of one group

A run that is in the table is not made again, so a command that was stopped goes on where it was. A
run is named by everything that decides its outcome, the clips included: with other clips or another
default all runs are made anew, and the old rows stay in the tables beside them.
"""

import argparse
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial

import pandas as pd

from helpers.networks.classifiers import LAYERS
from helpers.study import experiments, results
from helpers.study.experiments import BASELINE, CHOOSING, FOLDS, TELEPHONES, Run
from tools import run_table
from tools.run_table import RunTable, provenance

SEEDS = range(5)
RATES = {
    **dict.fromkeys(LAYERS, (3e-4, 1e-3, 3e-3, 1e-2)),
    "SimpleRNN": (1e-4, 3e-4, 1e-3, 3e-3),
    BASELINE: (0.001, 0.01, 0.1, 1.0),
}
"""The learning rates that are tried with each layer; with the baseline, values of ``C``."""


def tried(layer: str, tuned: float, seed: int, **others) -> Run:
    """Return a run of a layer at a learning rate; of the baseline, at a ``C``."""
    return Run(layer, **{"C" if layer == BASELINE else "learning_rate": tuned}, seed=seed, **others)


def best_rate(layer: str, table: pd.DataFrame, hop_ms: int = Run.hop_ms) -> float:
    """Return the learning rate (or ``C``) of the highest mean validation accuracy."""
    rows = table[(table["layer"] == layer) & (table["hop_ms"] == hop_ms)]
    rows = rows[rows["seed"].isin(CHOOSING)]
    seeds = rows["seed"].groupby(rows["learning_rate"].fillna(rows["C"])).nunique()
    if seeds.reindex(RATES[layer]).min() != len(CHOOSING):
        group = "rates" if hop_ms == Run.hop_ms else "long rates"
        raise SystemExit(f"{layer}: first make the runs of the group '{group}'")
    return float(results.best_rates(table, hop_ms)[layer])


def wanted(group: str, recordings: str = "") -> Iterator[Run]:
    """Yield the runs of a group; but for those of rates, at the rates that the table chooses."""
    run = partial(tried, corpus=recordings)
    if group == "rates":
        for layer, rates in RATES.items():
            yield from (run(layer, rate, seed) for rate in rates for seed in CHOOSING)
        return
    if group == "long rates":  # does the layer without gates want another one for longer ways?
        for rate in RATES["SimpleRNN"]:
            yield from (run("SimpleRNN", rate, seed, hop_ms=10) for seed in CHOOSING)
        return
    table = results.runs(recordings)
    rate = {layer: best_rate(layer, table) for layer in RATES}
    for seed in SEEDS:
        gru = run("GRU", rate["GRU"], seed)
        plain = run(BASELINE, rate[BASELINE], seed)
        simple = run("SimpleRNN", rate["SimpleRNN"], seed)
        match group:
            case "layers":
                yield from (run(layer, rate[layer], seed) for layer in (*LAYERS, BASELINE))
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
                    yield run(layer, rate[layer], seed, by="sentence")
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
                        yield run(layer, rate[layer], seed, seconds=seconds)
            case "long":
                longer = run("SimpleRNN", best_rate("SimpleRNN", table, 10), seed, hop_ms=10)
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


def key(run: Run, clips_digest: str | None = None) -> str:
    """Return the name of a run in the tables, by everything that decides its outcome."""
    return run_table.key(experiments.recipe(run, clips_digest))


def make(run: Run, table: RunTable, made: dict[str, str]) -> None:
    """Carry out a run and add it to the tables; its row ends with when and with what."""
    row, told = experiments.carry_out(run)
    rounded = {k: f"{v:.5g}" if isinstance(v, float) else v for k, v in row.items()}
    rounded |= {name: row[name] for name in asdict(run)}
    about = {"clips": experiments.digest(run.corpus), **made}
    table.add({"run": key(run), **rounded, **about}, told.to_dict("records"))
    print(*asdict(run).values(), "->", rounded["epochs"], rounded["accuracy"], flush=True)


def main(groups: list[str], recordings: str = "") -> None:
    """Make what the tables lack."""
    possible = ANYWHERE if recordings else GROUPS
    if unknown := set(groups) - set(possible):
        raise SystemExit(f"no group {', '.join(unknown)}; there are {', '.join(possible)}")
    table = RunTable(*results.tables(recordings))
    made = provenance("keras", "tensorflow", "librosa", "scikit-learn")
    for group in groups or possible:
        done = table.done()
        for run in wanted(group, recordings):
            if key(run) not in done:
                make(run, table, made)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("groups", nargs="*", help=f"of {', '.join(GROUPS)}; all unless given")
    parser.add_argument("--corpus", default="", help="a folder laid out as language/speaker/clip")
    asked = parser.parse_args()
    main(asked.groups, asked.corpus)
