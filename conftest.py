"""What holds for all tests, those of the notebooks included."""

import os
from pathlib import Path

# librosa compiles functions when they are first called, and keeps them beside itself. Two processes
# that do so at the same time spoil each other's files, after which a kernel dies at the call. So
# each process of a test run keeps its own; kernels inherit the setting.
if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    os.environ["NUMBA_CACHE_DIR"] = str(Path(__file__).parent / ".pytest_cache" / f"numba-{worker}")
