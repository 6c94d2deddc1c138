"""Settings of every test: none depends on speed or on luck, and TensorFlow is quiet."""

import gc
import os

import pytest
from hypothesis import Phase, settings

# Before TensorFlow is imported.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# With a mutant it is enough that an example fails; looking for the simplest would take minutes.
UNSHRUNK = (Phase.explicit, Phase.generate)

# Each run tries the same examples, so that what fails is what changed. To look for new ones, run
# pytest with --hypothesis-profile=explore.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.register_profile("unshrunk", deadline=None, derandomize=True, phases=UNSHRUNK)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


@pytest.fixture(scope="module", autouse=True)
def what_is_left_open_is_found_here():
    """Let a module's own tests fail for what they leave open, not whichever come next.

    Python warns of a file or a database that was not closed when it is collected, at any time
    later; each warning is an error here.
    """
    yield
    gc.collect()
