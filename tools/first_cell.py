import sys

sys.path.insert(0, "..")  # the course's folder, where helpers lies
try:
    import helpers  # noqa: F401
except ModuleNotFoundError as error:
    said = (
        "This notebook needs the folder of its course around it: download or clone the whole "
        "course and type `make lab` there; in a hosted notebook, run these two lines first:\n\n"
        "    !git clone --depth 1 ADDRESS course "
        "&& pip install -qr course/requirements.lock\n"
        "    %cd course/notebooks"
    )
    error._render_traceback_ = lambda: [said]  # this, and not where in Python it happened
    raise
