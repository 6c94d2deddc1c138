"""Open the course in JupyterLab, with the settings that it needs: ``make lab``.

    python -m tools.lab [--present=03] [--port=8890] [--no-browser] [whatever JupyterLab takes]

JupyterLab asks nobody for news or newer versions, and nobody whether it may: its settings for the
course lie in ``tools/jupyter``. So does the command *Present*, which plays a notebook as slides;
``--present`` does it at once with the notebook whose name begins so. A notebook that is opened and
closed stays the file that it was: see `Notebooks`.
"""

import argparse
import os
import sys
from pathlib import Path

from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelspec import get_kernel_dict
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

__all__ = ["STORED", "Notebooks", "address", "main"]

ROOT = Path(__file__).resolve().parent.parent
START = "notebooks/00_start_here.ipynb"
STORED = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
"""A stored notebook's metadata: the same for every machine and every Python."""


class Notebooks(AsyncLargeFileManager):
    """Shows JupyterLab the metadata that it would write itself, and stores what git has.

    As soon as a kernel answers, JupyterLab writes into the notebook which Python it is. A stored
    notebook that says otherwise would be changed by being opened: a question on closing, and a
    conflict on the next pull, although nobody touched it. So it is told what it is going to write,
    and the same is taken out again on the way back to the file.
    """

    async def get(self, path, content=True, **options):
        """Return a file; of a notebook, the metadata name this Python."""
        model = await super().get(path, content, **options)
        if content and model["type"] == "notebook":
            model["content"]["metadata"] |= {
                "kernelspec": {
                    "display_name": get_kernel_dict()["display_name"],
                    "language": "python",
                    "name": "python3",
                },
                "language_info": dict(IPythonKernel.language_info),
            }
        return model

    async def save(self, model, path=""):
        """Store a file; of a notebook for this kernel, the metadata name no machine's Python."""
        if model.get("type") == "notebook" and model.get("content"):
            metadata = model["content"]["metadata"]
            if metadata.get("kernelspec", {}).get("name") == "python3":
                metadata |= STORED
        return await super().save(model, path)


def address(name: str | None) -> str:
    """Return what JupyterLab opens: the start page, or a notebook that is presented.

    Parameters
    ----------
    name : str or None
        How the notebook's name begins.

    Raises
    ------
    SystemExit
        If no notebook's name begins so, or several do, or it has no slides.

    Examples
    --------
    >>> address(None), address("03")
    ('/lab/tree/notebooks/00_start_here.ipynb', '/doc/tree/notebooks/03_window_dtfts.ipynb?present')
    """
    if name is None:
        return f"/lab/tree/{START}"
    found = sorted((ROOT / "notebooks").glob(f"{name}*.ipynb"))
    if len(found) != 1:
        sys.exit(f"{len(found)} notebooks begin with {name!r}; name one, such as --present=03")
    import nbformat

    from tools.slides.plan import screens  # which itself needs this module

    if not screens(nbformat.read(found[0], as_version=4)):
        sys.exit(f"{found[0].name} has no slides: no cell is one")
    return f"/doc/tree/notebooks/{found[0].name}?present"


def main(arguments: list[str]) -> None:
    """Start JupyterLab in the course's folder."""
    parser = argparse.ArgumentParser(prog="python -m tools.lab", allow_abbrev=False)
    parser.add_argument("--present", metavar="NAME", help="a notebook to be played as slides")
    ours, arguments = parser.parse_known_args(arguments)
    before = os.environ.get("JUPYTER_CONFIG_PATH")
    folders = [str(ROOT / "tools" / "jupyter"), *([before] if before else [])]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(folders)
    from jupyterlab.labapp import LabApp

    settings = {
        "ServerApp.root_dir": ROOT,
        "ServerApp.contents_manager_class": "tools.lab.Notebooks",
        "LabApp.extra_labextensions_path": ROOT / "tools" / "jupyter" / "labextensions",
        "LabApp.default_url": address(ours.present),
        "LabApp.news_url": None,
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }
    given = [f"--{name}={value}" for name, value in settings.items()]
    LabApp.launch_instance(given + arguments)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main(sys.argv[1:])
