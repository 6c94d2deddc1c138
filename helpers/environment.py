"""Which of the course's packages are not installed."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

from helpers import ROOT

__all__ = ["missing_packages"]

PYPROJECT = ROOT / "pyproject.toml"


def missing_packages(pyproject: Path = PYPROJECT) -> list[str]:
    """Return the names of the packages that the course needs and this Python lacks.

    Nothing is imported, so it answers at once.

    Parameters
    ----------
    pyproject : pathlib.Path, optional
        The file whose ``project.dependencies`` are looked for.

    Returns
    -------
    list of str
        Names as the file spells them; empty where everything is installed.

    Examples
    --------
    >>> missing_packages()
    []
    """
    project = tomllib.loads(Path(pyproject).read_text(encoding="utf-8"))["project"]
    missing = []
    for requirement in project["dependencies"]:
        name = re.match(r"[\w.-]+", requirement)[0]
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
    return missing
