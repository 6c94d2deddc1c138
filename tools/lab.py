"""Open the course in JupyterLab, with the settings that it needs: ``make lab``.

    python -m tools.lab [--port=8890] [--no-browser] [whatever else JupyterLab takes]

JupyterLab asks nobody for news or newer versions, and nobody whether it may (its settings for the
course lie in ``tools/jupyter``). A notebook that is opened and closed stays the file that it was:
see `Notebooks`.
"""

import os
import sys
from pathlib import Path

from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelspec import get_kernel_dict
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

__all__ = ["STORED", "Notebooks", "main"]

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


def main(arguments: list[str]) -> None:
    """Start JupyterLab in the course's folder."""
    before = os.environ.get("JUPYTER_CONFIG_PATH")
    folders = [str(ROOT / "tools" / "jupyter"), *([before] if before else [])]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(folders)
    from jupyterlab.labapp import LabApp

    settings = {
        "ServerApp.root_dir": ROOT,
        "ServerApp.contents_manager_class": "tools.lab.Notebooks",
        "LabApp.default_url": f"/lab/tree/{START}",
        "LabApp.news_url": None,
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }
    given = [f"--{name}={value}" for name, value in settings.items()]
    LabApp.launch_instance(given + arguments)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main(sys.argv[1:])
