#!/usr/bin/env python3
"""Train the recall task's models and write a row a run to assets/experiments/recall.csv.

    .venv/bin/python tools/recall.py            # what is missing in the table
    .venv/bin/python tools/recall.py SimpleRNN  # of one kind of layer

Runs that the table holds already are skipped, so that a killed command goes on where it stopped.
"""

import csv
import datetime
import platform
import sys
import time
from importlib.metadata import version
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from helpers.networks import recall  # noqa: E402

STARTS = [("SimpleRNN", None), ("GRU", 5.0), ("LSTM", 5.0), ("GRU", None), ("LSTM", None)]
DELAYS = (5, 10, 20, 40, 80, 160)
SEEDS = range(5)
KEY = ("layer", "gate_bias", "learning_rate", "delay", "seed")
COLUMNS = (*KEY, "accuracy", "units", "parameters", "batches", "seconds", "date", "python", "keras")
COLUMNS += ("tensorflow", "machine")


def settings(kinds):
    """Return every run as the strings that name it in the table."""
    for (kind, bias), seed, delay in product(STARTS, SEEDS, DELAYS):
        # The layer without gates gets a second chance with a lower learning rate.
        for rate in (0.01, 0.003) if kind == "SimpleRNN" else (0.01,):
            if not kinds or kind in kinds:
                yield kind, "" if bias is None else str(bias), str(rate), str(delay), str(seed)


def main():
    """Train what the table lacks."""
    recall.RESULTS.parent.mkdir(parents=True, exist_ok=True)
    if not recall.RESULTS.exists():
        recall.RESULTS.write_text(",".join(COLUMNS) + "\n")
    with recall.RESULTS.open(newline="") as table:
        done = {tuple(row[name] for name in KEY) for row in csv.DictReader(table)}
    for kind, bias, rate, delay, seed in settings(sys.argv[1:]):
        if (kind, bias, rate, delay, seed) in done:
            continue
        start = time.monotonic()
        model, accuracy = recall.train(
            kind, int(delay), int(seed), float(bias) if bias else None, learning_rate=float(rate)
        )
        row = (kind, bias, rate, delay, seed, accuracy, recall.UNITS, model.count_params())
        row += (recall.BATCHES, f"{time.monotonic() - start:.1f}", datetime.date.today())
        row += (platform.python_version(), version("keras"), version("tensorflow"))
        with recall.RESULTS.open("a", newline="") as table:
            csv.writer(table, lineterminator="\n").writerow((*row, platform.machine()))
        print(*row[:6], flush=True)


if __name__ == "__main__":
    main()
