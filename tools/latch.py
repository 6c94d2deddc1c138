"""Write to assets/experiments/latch.csv what 16 trained SimpleRNNs hold, and how far they reach.

    python -m tools.latch    # about two minutes

Each row is one delay of one training of the recall task, which the layer learned with a delay of
20 steps: how often it then recalls the bit over this delay, and the reach over as many steps back
before and after training, the median of 20 sequences of 100 steps.
When and with what all of them were made stands in latch_made.csv.
"""

import numpy as np
import pandas as pd

from helpers import ROOT
from helpers.networks import layers, recall
from helpers.networks.backend import set_seed
from tools.run_table import provenance

TABLE = ROOT / "assets" / "experiments" / "latch.csv"
MADE = TABLE.with_name("latch_made.csv")
"""When and with what all rows were made, in one row."""
DELAY, SEEDS, STEPS, LONG = 20, range(16), 100, 2000


def recalled(model, steps: int) -> np.ndarray:
    """Return the share of right answers after every step, of 200 fresh sequences."""
    x, bit = recall.sequences(steps, examples=200, seed=9)
    states = layers.trace(model.layers[0], x)["h"]
    weights, bias = model.layers[1].get_weights()
    return np.mean((states @ weights + bias > 0)[..., 0] == bit[:, np.newaxis], axis=0)


def measure(seed: int) -> pd.DataFrame:
    """Train with this seed; return a row for each delay."""
    x, _ = recall.sequences(STEPS, examples=20, seed=5)
    set_seed(seed)
    before = layers.gradient_norms(recall.build("SimpleRNN").layers[0], x)
    model, _ = recall.train("SimpleRNN", DELAY, seed)
    after = layers.gradient_norms(model.layers[0], x)
    rows = {
        "seed": seed,
        "steps": np.arange(STEPS + 1),
        "accuracy": recalled(model, STEPS),
        "reach_before": np.median(before, axis=0)[::-1],
        "reach_after": np.median(after, axis=0)[::-1],
    }
    long = {"seed": [seed], "steps": [LONG], "accuracy": recalled(model, LONG)[-1:]}
    return pd.concat([pd.DataFrame(rows), pd.DataFrame(long)])


def main() -> None:
    """Train all and write the tables."""
    table = pd.concat([measure(seed) for seed in SEEDS])
    table.to_csv(TABLE, index=False, float_format="%.4g")
    pd.DataFrame([provenance("keras", "tensorflow")]).to_csv(MADE, index=False)


if __name__ == "__main__":
    main()
