"""Create a virtual environment that holds what the lock names; one command on every platform.

    python tools/install.py [.venv]

It uses nothing but the standard library, and no syntax or module that is newer than Python 3.6: it
is what tells the user of an old Python that it is too old. pip fetches uv, as the lock pins it, and
uv does the rest about four times faster than pip would. Run again, it installs what has changed.
"""

import os
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"


def oldest_and_newest():
    """Return the second numbers of the oldest and the newest Python 3 in pyproject.toml."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    low, high = re.search(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', text).groups()
    return int(low), int(high) - 1


def uv_of(lock):
    """Return the lines of the lock that pin uv."""
    return re.search(r"^uv==(.*\\\n)+.*\n", lock, re.M)[0]


def quietly(python, *arguments):
    """Run a module of the new environment; on failure give its last words as the reason."""
    command = [str(python), "-m", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        said = done.stdout.decode(errors="replace").strip().splitlines() or ["no reason given"]
        sys.exit(
            f"Not installed: {said[-1].strip()}. Installing needs a network, this once; "
            "the course itself works offline. Then try again."
        )


def main():
    """Install, or say in one line what is in the way."""
    oldest, newest = oldest_and_newest()
    if not (3, oldest) <= sys.version_info[:2] <= (3, newest):
        sys.exit(
            f"The course needs Python 3.{oldest} to 3.{newest}; {sys.executable} is Python "
            f"{sys.version_info[0]}.{sys.version_info[1]}. "
            f"With make, name another one: make lab PYTHON=python3.{newest}"
        )
    target = Path(sys.argv[1] if len(sys.argv) > 1 else ".venv")
    print(f"Installing into {target}: up to a few minutes, the first time only.", flush=True)
    venv.main([str(target)])
    python = target / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    with tempfile.TemporaryDirectory() as folder:
        uv = Path(folder, "uv.txt")
        uv.write_text(uv_of(LOCK.read_text(encoding="utf-8")), encoding="utf-8")
        quietly(python, "pip", "install", "--require-hashes", "-r", str(uv))
    into = ["--python", str(python)]
    # Compiled here, once, on all cores: or the first import of TensorFlow does it, for ten seconds,
    # and where Python may write no bytecode (containers often say so) every import of it does.
    into.append("--compile-bytecode")
    quietly(python, "uv", "pip", "install", *into, "--require-hashes", "-r", str(LOCK))
    (target / ".ready").touch()


if __name__ == "__main__":
    main()
