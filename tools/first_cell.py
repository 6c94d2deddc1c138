# The first code cell of every notebook; `make run` puts it there.
import sys

sys.path.insert(0, "..")  # the course's folder
try:
    import helpers  # noqa: F401
except ModuleNotFoundError as error:
    said = (
        "This notebook is one of a course and needs the others' folder around it: download or "
        "clone the whole course, then `make lab` (its README says more). In a hosted notebook, "
        "paste and run these two lines first:\n"
        "  !git clone --depth 1 ADDRESS course && pip install -q -r course/requirements.lock\n"
        "  %cd course/notebooks"
    )
    error._render_traceback_ = lambda: [said]
    raise
