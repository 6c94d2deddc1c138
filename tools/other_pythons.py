"""Test on the oldest and the newest Python of the course, where this machine has them.

    python -m tools.other_pythons MAKE

`make test-all` calls it after testing on its own Python. Each further one gets an environment
beside the first (`.venv-3.13`), with the same lock. One that is not there is named, never
downloaded.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.install import ROOT, oldest_and_newest


def candidates(version: str) -> Iterator[str]:
    """Yield what may be that Python: on the path, from pyenv, and wherever else uv looks."""
    yield shutil.which(f"python{version}") or ""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    yield from map(str, pyenv.glob(f"{version}.*/bin/python"))
    uv = [sys.executable, "-m", "uv", "python", "find", "--no-python-downloads", version]
    yield subprocess.run(uv, capture_output=True, text=True).stdout.strip()


def is_usable(python: str, version: str) -> bool:
    """Return whether it starts, is what its name says, and can create environments.

    A pyenv shim may do none of the first two, Debian's Python without python3-venv not the third.
    """
    ask = [python, "-c", "import ensurepip, sys; print('%d.%d' % sys.version_info[:2])"]
    try:
        return subprocess.run(ask, capture_output=True, text=True).stdout.strip() == version
    except OSError:
        return False


def find_python(version: str) -> str | None:
    """Return the first usable interpreter of that version, None where there is none."""
    return next((p for p in candidates(version) if is_usable(p, version)), None)


def main() -> None:
    """Test on each of the two that this Python is not."""
    for version in (f"3.{minor}" for minor in oldest_and_newest()):
        if version == "{}.{}".format(*sys.version_info):
            continue
        if python := find_python(version):
            print(f"Now on Python {version} ({python}):", flush=True)
            make = [sys.argv[1], "test-signal", f"PYTHON={python}", f"VENV=.venv-{version}"]
            if subprocess.run(make, cwd=ROOT).returncode:
                sys.exit(f"Failed on Python {version}.")
        else:
            print(f"Python {version} is not on this machine: not tested on it.")


if __name__ == "__main__":
    main()
