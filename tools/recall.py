"""Train the models of the recall task and write a row a run to assets/experiments/recall.csv.

    python -m tools.recall                # what is missing in the table: some hours
    python -m tools.recall SimpleRNN GRU  # of these kinds of layer

Every layer, however it starts, gets the same learning rates, seeds, delays and batches. As Keras
starts them, all get five times the batches as well, at delays at which the gated ones fail.
Runs that the table holds are not made again: a command that was stopped goes on where it was.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import product

from helpers.networks import recall
from helpers.networks.classifiers import LAYERS
from helpers.networks.layers import KINDS
from tools import spread
from tools.run_table import RunTable, key, provenance
from tools.spread import carried_out, lacking

GATED = [layer for layer in LAYERS if KINDS[layer].keeps]
STARTS = [(layer, None) for layer in LAYERS] + [(layer, 5.0) for layer in GATED]
"""Layers, and how far their gates are set to keep the state; None: as Keras starts them."""
RATES = (0.001, 0.003, 0.01, 0.03, 0.1)
DELAYS = (5, 10, 20, 40, 80, 160)
SEEDS = range(5)
LONGER = (20, 40)
"""Delays at which the layers, as Keras starts them, train for `LONGER_BATCHES` as well."""
LONGER_BATCHES, LONGER_RATES = 3000, (0.003, 0.01, 0.03)


@dataclass(frozen=True)
class Trial:
    """One training: every field is a column of the table, and all of them name the run."""

    layer: str
    gate_bias: float | None
    learning_rate: float
    delay: int
    seed: int
    batches: int = recall.BATCHES
    batch_size: int = recall.BATCH_SIZE
    units: int = recall.UNITS
    noise: float = recall.NOISE
    global_clipnorm: float = recall.GLOBAL_CLIPNORM


def trials() -> Iterator[Trial]:
    """Yield all trainings, those with more batches last."""
    for delay, seed, (layer, bias), rate in product(DELAYS, SEEDS, STARTS, RATES):
        yield Trial(layer, bias, rate, delay, seed)
    for delay, seed, layer, rate in product(LONGER, SEEDS, LAYERS, LONGER_RATES):
        yield Trial(layer, None, rate, delay, seed, batches=LONGER_BATCHES)


def make(trial: Trial) -> dict:
    """Train one model; return its row, which ends with when and with what it was made."""
    start = time.monotonic()
    model, accuracy = recall.train(
        trial.layer,
        trial.delay,
        trial.seed,
        trial.gate_bias,
        batches=trial.batches,
        learning_rate=trial.learning_rate,
    )
    outcome = {
        "accuracy": accuracy,
        "parameters": model.count_params(),
        "seconds": f"{time.monotonic() - start:.1f}",
    }
    made = provenance("keras", "tensorflow")
    return {"run": key(asdict(trial)), **asdict(trial), **outcome, **made}


def main(layers: list[str] | None = None) -> None:
    """Train what the table lacks."""
    possible = dict(STARTS)
    if unknown := set(layers or ()) - set(possible):
        raise SystemExit(f"no layer {', '.join(unknown)}; there are {', '.join(possible)}")
    table = RunTable(recall.RESULTS)
    asked = (trial for trial in trials() if trial.layer in (layers or possible))
    for trial, row in carried_out(make, lacking(asked, lambda trial: key(asdict(trial)), table)):
        table.add(row)
        print(*asdict(trial).values(), "->", row["accuracy"], flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("layers", nargs="*", help="kinds of layer; all unless given")
    spread.add_arguments(parser)
    asked = parser.parse_args()
    with spread.workers(asked.processes, asked.dask):
        main(asked.layers)
