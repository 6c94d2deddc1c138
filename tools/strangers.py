"""Carry out the trials of ``13_strangers`` that its tables lack.

    python -m tools.strangers                 # all of them: hours
    python -m tools.strangers crossing folds  # those of some groups
    python -m tools.strangers certainty       # what some models give each excerpt: minutes
    python -m tools.strangers --corpus mine   # what makes sense with a folder of your own

As with `tools.experiments`, a trial that is in a table is not made again.
"""

import argparse
import os
from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path

import numpy as np

from helpers.audio import corpus
from helpers.study import crossing, results, strangers
from helpers.study.crossing import Crossing
from helpers.study.experiments import BASELINE
from helpers.study.learning import clips, digest
from helpers.study.results import packed
from helpers.study.strangers import Trial
from tools import spread
from tools.run_table import RunTable, key, provenance
from tools.spread import carried_out, lacking

SEEDS = range(5)
FEWER = range(3)
"""Seeds of what takes a training for each fold."""
FOLDS = 8
NETWORK = {"units": 64, "learning_rate": 0.003, "batches": 800}
CHANGES = "speed warp channel noise"
ALL_CHANGES = f"{CHANGES} rooms codecs"
"""In the sound as well."""
MACHINE = 1 / 3
"""Share of the excerpts that the synthesiser speaks where it helps out."""

SHORT = {**NETWORK, "batches": 300}
"""For synthetic voices, of which there is less to learn."""
OWN = (1, 2, 4)
"""Voices of each language where every language has its own."""
CROSSED = (1, 2, 4, 5, 8, 10, 16, 20)
"""Voices that speak all languages."""


def steps(seed: int, recordings: str = "") -> Iterator[Trial]:
    """Yield what is tried with the main voices alone, each with one thing more than the last."""
    first = Trial("GRU", **NETWORK, seed=seed, corpus=recordings)
    centred = replace(first, centred=True)
    mean = replace(centred, layer="GRU mean")
    both = replace(mean, layer="bidirectional GRU mean")
    yield from (first, centred, mean, both)
    for changes in (CHANGES, ALL_CHANGES):
        yield replace(both, changes=changes)
    plain = Trial(BASELINE, C=0.1, seed=seed, corpus=recordings)
    yield from (plain, replace(plain, centred=True), replace(plain, changes=CHANGES))
    for changes in (CHANGES, ALL_CHANGES):
        yield replace(plain, centred=True, changes=changes)


def best(seed: int) -> tuple[Trial, Trial]:
    """Return the network of `steps` whose bands are changed, and the regression that learns so."""
    network = Trial("bidirectional GRU mean", **NETWORK, seed=seed)
    return tuple(
        replace(trial, centred=True, changes=CHANGES)
        for trial in (network, Trial(BASELINE, C=0.1, seed=seed))
    )


def fold(number: int) -> str:
    """Return all strangers but those of a fold."""
    kept = set(strangers.folds(FOLDS)[number].split())
    table = clips()
    persons = table.loc[table["role"] == "stranger", "person"].unique()
    return " ".join(sorted(set(persons) - kept))


def telephones() -> Iterator[str]:
    """Yield whom to add, to tell the line of a telephone from all else that comes with a voice."""
    nine = corpus.manifest().query("unheard").drop_duplicates("speaker")
    on_line = nine["line"] == "telephone"
    on_line, others = sorted(nine["speaker"][on_line]), sorted(nine["speaker"][~on_line])
    yield ""
    yield " ".join(others)
    for kept in on_line:
        yield " ".join(sorted({*on_line, *others} - {kept}))


def wanted(group: str, recordings: str = "") -> Iterator[Trial | Crossing]:
    """Yield the trials of a group."""
    match group:
        case "steps":
            for seed in SEEDS:
                yield from steps(seed, recordings)
        case "folds":  # more people, and the synthesiser with them
            for seed, number in product(FEWER, range(FOLDS)):
                for trial, share in product(best(seed), (0.0, MACHINE)):
                    yield replace(trial, added=fold(number), synthetic=share)
        case "machine":  # alone, or with the main voices
            for seed in SEEDS:
                for trial, share in product(best(seed), (MACHINE, 1.0)):
                    yield replace(trial, synthetic=share)
        case "telephone":
            for seed, added, codec in product(FEWER, telephones(), (False, True)):
                for trial in (
                    Trial("GRU", **NETWORK, seed=seed),
                    Trial(BASELINE, C=0.1, seed=seed),
                ):
                    yield replace(trial, added=added, codec=codec)
        case "crossing":
            for seed in SEEDS:
                plain = Crossing(BASELINE, C=0.1, seed=seed)
                network = Crossing("GRU mean", **SHORT, seed=seed, centred=True, changes=CHANGES)
                for trial in (plain, network):
                    for voices in OWN:  # as many clips of as many voices, spread differently
                        own = replace(trial, voices=voices)
                        yield own
                        yield replace(trial, voices=own.people, crossed=True, divided=True)
                    for voices in CROSSED:
                        yield replace(trial, voices=voices, crossed=True)


GROUPS = ("crossing", "steps", "machine", "telephone", "folds")
ANYWHERE = ("steps",)
"""The groups that make sense with any corpus; the others speak of voices of this one."""


def sure() -> Iterator[Trial]:
    """Yield whose certainty is stored: the plain models of `steps`."""
    for seed in range(2):
        plain = [trial for trial in steps(seed) if not trial.centred and not trial.changes]
        yield from plain


def certainty() -> None:
    """Store what the models of `sure` give every excerpt, unless that is there already."""
    path = results.home() / results.CERTAINTY.name
    runs = [key(strangers.recipe(trial)) for trial in sure()]
    if path.exists():
        with np.load(path) as kept:
            if kept["runs"].tolist() == runs:
                return
    told = []
    for trial in sure():
        told.append(strangers.ask(trial)[1])
        print(*asdict(trial).values(), flush=True)
    store(path, runs, told)


def store(path: Path, runs: list[str], told: list) -> None:
    """Write what runs answered, excerpt by excerpt, as `results.certainty` reads it."""
    each = [(run, *pair) for run, pairs in enumerate(told) for pair in pairs]
    probabilities = np.concatenate([p for *_, p in each])
    kept = {
        "runs": np.array(runs),
        "layers": np.array([trial.layer for trial in sure()]),
        "seeds": np.array([trial.seed for trial in sure()]),
        "run": np.concatenate([np.full(len(p), run, np.int8) for run, _, p in each]),
        "clip": np.concatenate([asked.clip for _, asked, _ in each]).astype(np.int16),
        "log_probability": np.log(np.maximum(probabilities, 1e-12)).astype(np.float16),
        "digest": np.array(digest()),
    }
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        np.savez_compressed(file, **kept)
    os.replace(unfinished, path)


def tables(group: str, recordings: str = "") -> tuple[Path, Path]:
    """Return where the trials of a group, and what they answered, are kept."""
    name = "crossing" if group == "crossing" else "strangers"
    place = results.home(recordings)
    return place / f"{name}.csv", place / f"{name}_answers.csv"


def main(groups: list[str], recordings: str = "") -> None:
    """Make what the tables lack."""
    possible = ANYWHERE if recordings else (*GROUPS, "certainty")
    if unknown := set(groups) - set(possible):
        raise SystemExit(f"no group {', '.join(unknown)}; there are {', '.join(possible)}")
    if not (clips(recordings)["role"] == "stranger").any():
        raise SystemExit(
            f"{recordings}: every language has one speaker, so that nobody is left to ask and 13 "
            "has nothing to show; record a second speaker of each"
        )
    groups = groups or possible
    if "certainty" in groups:
        certainty()
    made = provenance("keras", "tensorflow", "librosa", "scikit-learn")
    for group in [group for group in groups if group != "certainty"]:
        study = crossing if group == "crossing" else strangers
        table = RunTable(*tables(group, recordings))
        trials = wanted(group, recordings)
        missing = lacking(trials, lambda trial, of=study.recipe: key(of(trial)), table)
        for trial, (row, told) in carried_out(study.carry_out, missing):
            name = key(study.recipe(trial))
            rounded = {k: f"{v:.5g}" if isinstance(v, float) else v for k, v in row.items()}
            rounded |= {field: row[field] for field in asdict(trial) if field in row}
            table.add({"run": name, **rounded, "clips": digest(recordings), **made}, packed(told))
            print(*asdict(trial).values(), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    known = ", ".join((*GROUPS, "certainty"))
    parser.add_argument("groups", nargs="*", help=f"of {known}; all unless given")
    parser.add_argument(
        "--corpus", default="", help="a folder of recordings, or a table kept of one"
    )
    spread.add_arguments(parser)
    asked = parser.parse_args()
    with spread.workers(asked.processes, asked.dask):
        main(asked.groups, asked.corpus)
