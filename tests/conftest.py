"""Settings of every test: none depends on speed or on luck, and TensorFlow is quiet."""

import os

from hypothesis import settings

# Before TensorFlow is imported.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# Each run tries the same examples, so that what fails is what changed. To look for new ones, run
# pytest with --hypothesis-profile=explore.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.load_profile("same")
