"""TensorFlow, made quiet and repeatable. Whoever uses it takes it from here.

TensorFlow writes messages for its own developers past Python's standard error, some of them while
it is imported; what keeps them off the student's screen is set before that, in this one place.
"""

import contextlib
import os
from collections.abc import Iterator

__all__ = ["keras", "set_seed", "tf"]


@contextlib.contextmanager
def _silenced() -> Iterator[None]:
    """Drop what libraries write to the process's standard error past Python's own."""
    try:
        kept = os.dup(2)
    except OSError:  # there is none, as under pythonw
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever a file in the home folder says
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")  # notebooks share a GPU, where one is
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # it rounds differently on each processor
with _silenced():  # some messages come before the level is read
    import tensorflow as tf
    import keras  # isort: skip

    tf.config.list_physical_devices()  # looks for a GPU, and tells of every library that it misses


def set_seed(seed: int) -> None:
    """Make what follows repeatable: the same seed, machine and code give the same numbers.

    On a GPU the last digits may differ.

    Parameters
    ----------
    seed : int
        For Python's, NumPy's and TensorFlow's random numbers.

    Examples
    --------
    >>> set_seed(3)
    >>> first = keras.random.normal((2,)).numpy()
    >>> set_seed(3)
    >>> bool((first == keras.random.normal((2,)).numpy()).all())
    True
    """
    # On a CPU operations repeat themselves; enable_op_determinism would only rule XLA out. On a GPU
    # some add in another order each time: CUDA_VISIBLE_DEVICES=-1 keeps to the CPU.
    keras.utils.set_random_seed(seed)
