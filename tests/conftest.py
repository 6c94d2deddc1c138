"""Settings of every test: none depends on the machine's speed, and TensorFlow is quiet."""

import os

from hypothesis import settings

# Before TensorFlow is imported.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
