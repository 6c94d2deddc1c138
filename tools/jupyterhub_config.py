"""A JupyterHub for a class: the course by nbgitpuller, assignments by nbgrader's exchange.

    jupyterhub -f tools/jupyterhub_config.py

Say first who teaches, and how people log in; GRADING.md says what else it needs. Whose name is not
among the instructors' is a student.
"""

import os

INSTRUCTORS = {"teacher"}
SETTINGS = "/srv/nbgrader"  # its nbgrader_config.py is for all: see GRADING.md

c = get_config()  # noqa: F821
c.JupyterHub.authenticator_class = "pam"  # the accounts of the machine
c.Authenticator.allow_all = True
c.Authenticator.admin_users = INSTRUCTORS
c.Spawner.default_url = "/lab"
c.Spawner.environment = {"JUPYTER_CONFIG_PATH": SETTINGS, "CUDA_VISIBLE_DEVICES": "-1"}


def for_whom(spawner):
    """Give the gradebook to instructors alone, and to students no list of courses to grade."""
    teaches = spawner.user.name in INSTRUCTORS
    extensions = {
        f"nbgrader.server_extensions.{name}": wanted
        for name, wanted in {
            "formgrader": teaches,
            "course_list": teaches,
            "assignment_list": True,
            "validate_assignment": True,
        }.items()
    }
    spawner.args = [f"--ServerApp.jpserver_extensions={extensions}"]


c.Spawner.pre_spawn_hook = for_whom
c.JupyterHub.log_level = os.environ.get("HUB_LOG", "INFO")
