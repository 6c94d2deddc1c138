"""How long the slow things take: ``make bench``, or ``python -m tools.bench``.

    python -m tools.bench features               # one of imports, features, hours, training
    python -m tools.bench hours --hours 1 5 20   # memory and time as a corpus grows

Times depend on the machine and on what else runs on it, so each is the median of several, taken in
turns with what it is compared with.
"""

import argparse
import contextlib
import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import librosa
import numpy as np

from helpers.audio import corpus, features, loading

__all__ = ["estimate", "main"]

VOXLINGUA = 6600
"""Hours of VoxLingua107, about (Valk and Alumäe, arXiv:2011.12998)."""


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


def bench_features(repeats: int = 3, every: int = 1) -> None:
    """Compare the cached extraction on all cores with loops over librosa and other libraries."""
    clips, setting = corpus.manifest().iloc[::every], features.MFCCSetting()

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
            **dict(_others(clips, setting)),
            f"features.extract on {features._cores()} cores": first,
            "opened again": lambda: features.extract(clips, cache=kept),
        }
        title = f"MFCCs of {len(clips)} clips, {clips['duration'].sum() / 60:.0f} minutes"
        _tell(title, _in_turns(tasks, repeats))


def _others(clips, setting: features.MFCCSetting) -> Iterator[tuple[str, Callable]]:
    """Yield what other libraries make of as many frames and coefficients, where they are."""

    def sounds() -> Iterator[np.ndarray]:
        files = clips[["path", "root", "sha256"]].to_dict("records")
        return (loading.load_clip(file)[0] for file in files)

    with contextlib.suppress(ImportError, RuntimeError):  # they are no part of the course
        torch, torchaudio = map(importlib.import_module, ("torch", "torchaudio"))
        bank = {"n_mels": setting.n_mels, "mel_scale": "slaney", "norm": "slaney"}
        frames = {"n_fft": setting.n_fft, "hop_length": setting.hop_length}
        transform = torchaudio.transforms.MFCC(
            setting.sr, setting.n_mfcc, melkwargs={**frames, **bank}
        )

        def by_torchaudio() -> None:
            for y in sounds():
                transform(torch.from_numpy(y))

        yield f"loop over torchaudio {torchaudio.__version__}", by_torchaudio
    with contextlib.suppress(ImportError):
        kaldi = importlib.import_module("kaldi_native_fbank")
        options = kaldi.MfccOptions()
        options.frame_opts.dither, options.mel_opts.num_bins = 0, 80
        options.num_ceps = setting.n_mfcc

        def by_kaldi() -> None:
            for y in sounds():
                computer = kaldi.OnlineMfcc(options)
                computer.accept_waveform(setting.sr, y)
                computer.input_finished()
                np.array([computer.get_frame(m) for m in range(computer.num_frames_ready)])

        yield "loop over kaldi-native-fbank, of 80 filters", by_kaldi  # it refuses 128


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
    print(f"\nTraining on: {_device()}")
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


def _device() -> str:
    """Return what TensorFlow trains on."""
    from helpers.networks.backend import tf

    gpus = tf.config.list_physical_devices("GPU")
    names = [tf.config.experimental.get_device_details(gpu)["device_name"] for gpu in gpus]
    return ", ".join(names) or f"the CPU, {features._cores()} cores"


def grown(hours: float, folder: Path):
    """Return a table of so many hours: the shipped speech under as many names as it takes."""
    import pandas as pd

    clips, copies = corpus.manifest(), []
    folder.mkdir(parents=True, exist_ok=True)
    while hours > 0:
        taken = clips[clips["duration"].cumsum() <= hours * 3600]
        if taken.empty:
            break
        name = f"copy{len(copies)}"
        (folder / name).symlink_to(corpus.SPEECH, target_is_directory=True)
        voice = f"{name} " + taken["language"].str.cat(taken["speaker"], " ")
        copies.append(taken.assign(path=f"{name}/" + taken["path"], root=str(folder), voice=voice))
        hours -= taken["duration"].sum() / 3600
    return pd.concat(copies, ignore_index=True)


def measure_hours(hours: float) -> dict[str, float]:
    """Keep so many hours, read them again, shuffle them, and train for an epoch; in seconds, GB."""
    import resource  # not on Windows

    from helpers.study import store

    features.mfcc(np.zeros(1600), 16_000)  # so that nobody's time holds librosa's imports
    told: dict[str, float] = {}

    def timed(name: str, task: Callable):
        start, worked = time.perf_counter(), time.process_time()
        outcome = task()
        told[f"{name}, s"] = time.perf_counter() - start
        told[f"{name}, s of a core"] = time.process_time() - worked
        unit = 1 if sys.platform == "darwin" else 1024
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
        told[f"peak after {name}, GB"] = peak / 1e9
        return outcome

    with TemporaryDirectory() as place:
        clips, folder = grown(hours, Path(place) / "speech"), Path(place) / "kept"
        told["hours"] = clips["duration"].sum() / 3600
        timed("keep", lambda: store.keep(clips, cache=folder))
        kept = timed("open again", lambda: store.keep(clips, cache=folder))
        told["disk, GB"] = sum(file.stat().st_size for file in kept.files) / 1e9
        stream = kept.cut(300, shortest=60)
        moments = timed("moments", stream.moments)
        from helpers.networks import classifiers

        model = classifiers.build("GRU", 16, kept.setting, stream.languages, moments)
        model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
        data = store.batches(stream, shuffle=0)
        timed("an epoch", lambda: model.fit(data, shuffle=False, verbose=0))
        told |= timed(
            "shuffling",
            lambda: _mixed(
                store.Kept(clips.assign(language=clips["voice"]), kept.setting, kept.cache)
            ),
        )
    return told


def _mixed(kept) -> dict[str, float]:
    """Return how many voices a batch of 64 holds, shuffled in pieces, and if all were shuffled."""
    from helpers.study import store

    voices = np.concatenate([y for _, y in store.batches(kept.cut(300, shortest=60), shuffle=0)])
    whole = voices[: len(voices) // 64 * 64]

    def voices_a_batch(order: np.ndarray) -> float:
        return float(np.mean([len(set(batch)) for batch in order.reshape(-1, 64)]))

    rng = np.random.default_rng(0)
    return {
        "voices a batch": voices_a_batch(whole),
        "... if all were shuffled": voices_a_batch(rng.permutation(whole)),
        "... in the order of the table": voices_a_batch(np.sort(whole)),
        "neighbours of one voice, %": 100 * float(np.mean(voices[1:] == voices[:-1])),
        "... if all were shuffled, %": 100
        * float(np.sum((np.bincount(voices) / len(voices)) ** 2)),
    }


def estimate(hours: float, seconds_an_hour: float, gigabytes_an_hour: float) -> str:
    """Return how long so many hours of speech take, and how much disk, from measured rates.

    Parameters
    ----------
    hours : float
        Of speech.
    seconds_an_hour, gigabytes_an_hour : float
        That a core takes, and that the features fill, for one of them.

    Returns
    -------
    str

    Examples
    --------
    >>> estimate(6600, seconds_an_hour=6, gigabytes_an_hour=0.1)
    '6600 hours: 11.0 hours of one core, 0.1 of a hundred; 660 GB of features'
    """
    alone = hours * seconds_an_hour / 3600
    return (
        f"{hours:g} hours: {alone:.1f} hours of one core, {alone / 100:.1f} of a hundred; "
        f"{hours * gigabytes_an_hour:.0f} GB of features"
    )


def bench_hours(hours: Sequence[float] = (1, 5)) -> None:
    """Measure time and memory as a corpus grows, each size in a fresh interpreter."""
    if os.name == "nt":
        return print("\nFeatures on disk: Windows has no measure of memory that this takes")
    told = []
    for each in hours:
        code = (
            f"import json; from tools import bench; print(json.dumps(bench.measure_hours({each})))"
        )
        run = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE)
        told.append(json.loads(run.stdout))
    print("\nFeatures on disk, in pieces, as the corpus grows")
    for name in told[0]:
        print(f"  {name:<44}", *(f"{each[name]:10.2f}" for each in told))
    last = told[-1]
    rates = (last[name] / last["hours"] for name in ("keep, s of a core", "disk, GB"))
    print("VoxLingua107,", estimate(VOXLINGUA, *rates))


BENCHES = {"imports": bench_imports, "features": bench_features, "hours": bench_hours,
           "training": bench_training}  # fmt: skip


def main(names: Sequence[str] = (), hours: Sequence[float] = (1, 5)) -> None:
    """Run everything, or the benches of these names."""
    if unknown := set(names) - set(BENCHES):
        raise SystemExit(f"no bench {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    for name in names or BENCHES:
        BENCHES[name](*[hours] * (name == "hours"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(BENCHES)}; all unless given")
    parser.add_argument("--hours", nargs="+", type=float, default=(1, 5), help="sizes of a corpus")
    asked = parser.parse_args()
    main(asked.names, asked.hours)
