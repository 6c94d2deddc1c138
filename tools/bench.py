"""How long the slow things take: ``make bench``, or ``python -m tools.bench``.

Times depend on the machine and on what else runs on it, so each is the median of several, taken in
turns with what it is compared with.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import librosa
import numpy as np

from helpers.audio import corpus, features

__all__ = ["main"]


def _in_turns(tasks: dict[str, Callable], repeats: int) -> dict[str, float]:
    """Return the median time of each task in seconds."""
    seconds = {name: [] for name in tasks}
    for _ in range(repeats):
        for name, task in tasks.items():
            start = time.perf_counter()
            task()
            seconds[name].append(time.perf_counter() - start)
    return {name: median(values) for name, values in seconds.items()}


def _tell(title: str, seconds: dict[str, float]) -> None:
    """Print times, and how many times as fast as the first each is."""
    print(f"\n{title}")
    first = next(iter(seconds.values()))
    for name, value in seconds.items():
        print(f"  {name:<44} {value:8.3f} s {first / value:7.1f} times as fast")


def bench_features(repeats: int = 3) -> None:
    """Compare the cached extraction on all cores with a loop over librosa's functions."""
    clips, setting = corpus.manifest(), features.MFCCSetting()

    def plain() -> None:
        for path in clips["path"]:
            y, sr = librosa.load(corpus.SPEECH / path, sr=setting.sr)
            librosa.feature.mfcc(y=y, sr=sr, n_mfcc=64, n_fft=400, hop_length=160)

    with TemporaryDirectory() as folder:
        kept = Path(folder)

        def first() -> None:
            for path in kept.iterdir():
                path.unlink()
            features.extract(clips, cache=kept)

        features.mfcc(np.zeros(1600), 16_000)  # so that nobody's time holds librosa's imports
        tasks = {
            "plain loop over librosa": plain,
            f"features.extract on {features._cores()} cores": first,
            "features.extract again": lambda: features.extract(clips, cache=kept),
        }
        title = f"MFCCs of {len(clips)} clips, {clips['duration'].sum() / 60:.0f} minutes"
        _tell(title, _in_turns(tasks, repeats))


def bench_imports(repeats: int = 5) -> None:
    """Measure what a signal notebook waits for, in fresh interpreters."""

    def start(code: str) -> Callable:
        return lambda: subprocess.run([sys.executable, "-c", code], check=True)

    tasks = {
        "an interpreter": start(""),
        "and what a signal notebook imports": start(
            "from helpers import exercises; from helpers.audio import corpus; "
            "from helpers.show import interactive, listen, plots"
        ),
        "and helpers.networks.backend": start("import helpers.networks.backend"),
    }
    print("\nImports, in a fresh interpreter")
    for name, value in _in_turns(tasks, repeats).items():
        print(f"  {name:<44} {value:8.3f} s")


def bench_training(repeats: int = 3, n_examples: int = 512) -> None:
    """Compare epochs over excerpts of 3 s as ``fit`` does them unasked with the course's."""
    from helpers.networks import backend, classifiers

    rng = np.random.default_rng(0)
    x = rng.standard_normal((n_examples, 300, 64)).astype(np.float32)
    y = rng.integers(0, 5, n_examples)
    for layer in classifiers.LAYERS:
        tasks = {}
        for name, stride, batch_size, xla in (
            ("fit unasked: all frames, batches of 32", 1, 32, False),
            ("all frames, batches of 64", 1, 64, False),
            ("every third frame, batches of 64", 3, 64, False),
            ("every third frame, batches of 64, XLA", 3, 64, True),
        ):
            backend.set_seed(0)
            units = classifiers.units_for(layer, 25_000, 64, 5)
            setting = features.MFCCSetting()
            model = classifiers.build(layer, units, setting, range(5), (np.zeros(64), np.ones(64)))
            model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", jit_compile=xla)

            def epoch(model=model, stride=stride, batch_size=batch_size) -> None:
                model.fit(x[:, ::stride], y, batch_size=batch_size, verbose=0)

            epoch()  # builds, and compiles where asked to
            tasks[name] = epoch, x[:, ::stride, 0].size
        seconds = _in_turns({name: task for name, (task, _) in tasks.items()}, repeats)
        print(f"\n{layer} of {units} units, an epoch over {n_examples} excerpts of 3 s")
        unasked = next(iter(seconds.values()))
        for name, value in seconds.items():
            rate = tasks[name][1] / value / 1000
            print(
                f"  {name:<44} {value:8.3f} s {unasked / value:7.1f} times as fast"
                f" {rate:7.0f} thousand frames a second"
            )


def main() -> None:
    """Run everything."""
    bench_imports()
    bench_features()
    bench_training()


if __name__ == "__main__":
    main()
