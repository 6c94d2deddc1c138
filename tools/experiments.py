"""Carry out the experiments of ``12_compare`` that its tables lack.

    make experiments                                  # all of them: hours
    make experiments CORPUS=my_recordings             # the layers, with a folder of your own
    make experiments CORPUS=mine.csv                  # or with a choice from one that you kept
    make experiments PROCESSES=2                      # two at a time
    make experiments DASK=tcp://host:8786             # on a cluster: see the README
    python -m tools.experiments order                 # those of one group

A run that is in the table is not made again, so a command that was stopped goes on where it was. A
run is named by everything that decides its outcome, the clips included: with other clips or another
default all runs are made anew, and the old rows stay in the tables beside them.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from itertools import product

import pandas as pd

from helpers.networks.classifiers import LAYERS
from helpers.study import experiments, results
from helpers.study.experiments import BASELINE, CHOOSING, Run
from tools import run_table, spread
from tools.run_table import RunTable, provenance
from tools.spread import carried_out, lacking

SEEDS = range(5)
RATES = {
    **dict.fromkeys(LAYERS, (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)),
    BASELINE: (0.001, 0.01, 0.1, 1.0, 10.0),
}
"""The learning rates that are tried with each layer; with the baseline, values of ``C``."""
LONG = ("SimpleRNN", "GRU")
"""Layers that read sequences three times as long as well: a frame every 10 ms."""
LONG_RATES = (3e-4, 1e-3, 3e-3, 1e-2)
ORDER = (
    {"per_excerpt": True},
    {"per_excerpt": True, "languages": "en es"},
    {"per_excerpt": True, "shuffled": True},
    {"per_excerpt": True, "shuffled": True, "languages": "en es"},
)
"""Where mean and variance tell nothing: does the order of the frames? Each chooses its own rate."""
ORDER_RATES = (3e-4, 1e-3, 3e-3, 1e-2)


def tried(layer: str, tuned: float, seed: int, **others) -> Run:
    """Return a run of a layer at a learning rate; of the baseline, at a ``C``."""
    return Run(layer, **{"C" if layer == BASELINE else "learning_rate": tuned}, seed=seed, **others)


def chosen_rate(layer: str, table: pd.DataFrame, rates: Sequence[float], **changed) -> float:
    """Return the learning rate (or ``C``) of the highest mean validation accuracy."""
    tuned = results.validated(table, **changed)
    if layer not in tuned or tuned[layer].reindex(rates).isna().any():
        raise SystemExit(f"{layer}, {changed or 'defaults'}: first make the runs that choose rates")
    return float(tuned[layer].idxmax())


def wanted(group: str, recordings: str = "") -> Iterator[Run]:
    """Yield the runs of a group; but for those of rates, at the rates that the table chooses."""
    run = partial(tried, corpus=recordings)
    match group:  # what chooses the rates
        case "rates":
            for layer, rates in RATES.items():
                yield from (run(layer, rate, seed) for rate in rates for seed in CHOOSING)
            return
        case "long rates":  # do longer ways want others?
            for layer, rate, seed in product(LONG, LONG_RATES, CHOOSING):
                yield run(layer, rate, seed, hop_ms=10)
            return
        case "order rates":
            for changed, rate, seed in product(ORDER, ORDER_RATES, CHOOSING):
                yield run("GRU", rate, seed, **changed)
            return
    table = results.runs(recordings)
    rate = {layer: chosen_rate(layer, table, rates) for layer, rates in RATES.items()}
    for seed in SEEDS:
        match group:
            case "layers":
                yield from (run(layer, rate[layer], seed) for layer in (*LAYERS, BASELINE))
            case "one voice":  # of two languages
                for layer in ("GRU", BASELINE):
                    yield run(layer, rate[layer], seed, languages="en es")
            case "short":
                for layer, seconds in product(LAYERS, (0.25, 0.5, 1.0)):
                    yield run(layer, rate[layer], seed, seconds=seconds)
            case "long":
                for layer in LONG:
                    own = chosen_rate(layer, table, LONG_RATES, hop_ms=10)
                    yield run(layer, own, seed, hop_ms=10)
                    yield run(layer, own, seed, hop_ms=10, global_clipnorm=0.0)
                yield run("SimpleRNN", rate["SimpleRNN"], seed, global_clipnorm=0.0)
            case "order":
                for changed in ORDER:
                    own = chosen_rate("GRU", table, ORDER_RATES, **changed)
                    yield run("GRU", own, seed, **changed)


GROUPS = ("rates", "layers", "order rates", "order", "one voice", "short", "long rates", "long")
ANYWHERE = ("rates", "layers", "short", "long rates", "long")
"""The groups that make sense with any corpus; the others speak of voices of this one."""


def key(run: Run, clips_digest: str | None = None) -> str:
    """Return the name of a run in the tables, by everything that decides its outcome."""
    return run_table.key(experiments.recipe(run, clips_digest))


def make(run: Run) -> tuple[dict, list[dict]]:
    """Carry out a run; return its row, which ends with when and with what, and its answers'."""
    row, told = experiments.carry_out(run)
    rounded = {k: f"{v:.5g}" if isinstance(v, float) else v for k, v in row.items()}
    rounded |= {name: row[name] for name in asdict(run)}
    about = provenance("keras", "tensorflow", "librosa", "scikit-learn")
    clips = {"clips": experiments.digest(run.corpus)}
    return {"run": key(run), **rounded, **clips, **about}, told.to_dict("records")


def main(groups: list[str], recordings: str = "") -> None:
    """Make what the tables lack."""
    possible = ANYWHERE if recordings else GROUPS
    if unknown := set(groups) - set(possible):
        raise SystemExit(f"no group {', '.join(unknown)}; there are {', '.join(possible)}")
    table = RunTable(*results.tables(recordings))
    for group in groups or possible:
        missing = lacking(wanted(group, recordings), key, table)
        for run, (row, told) in carried_out(make, missing):
            if row["run"] != key(run):
                raise SystemExit(f"{run}: a machine with other clips or another course made it")
            table.add(row, told)
            print(*asdict(run).values(), "->", row["epochs"], row["accuracy"], flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("groups", nargs="*", help=f"of {', '.join(GROUPS)}; all unless given")
    parser.add_argument(
        "--corpus", default="", help="a folder of recordings, or a table kept of one"
    )
    spread.add_arguments(parser)
    asked = parser.parse_args()
    with spread.workers(asked.processes, asked.dask):
        main(asked.groups, asked.corpus)
