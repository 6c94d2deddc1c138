"""JupyterLab, as `make lab` starts it, asks nobody for anything and nobody whether it may."""

import json
import re
import urllib.request

from tools.browser import PATIENCE

NOTIFICATIONS = "lab/api/settings/@jupyterlab/apputils-extension:notification"


def fetched(course, path):
    url = f"{course.address}/{path}?token={course.token}"
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        return answer.read().decode()


def test_jupyterlab_is_told_to_look_for_no_news_and_no_newer_version(course):
    page = fetched(course, "lab")
    config = json.loads(re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.S)[1])
    assert config["news"]["disabled"] is True
    schema = json.loads(fetched(course, NOTIFICATIONS))["schema"]["properties"]
    assert schema["fetchNews"]["default"] == "false"  # without it, the student is asked
    assert schema["checkForUpdates"]["default"] is False


def test_the_start_page_asks_no_other_address_and_no_student(course, browser):
    page, asked = browser.new_page(), []
    page.set_default_timeout(PATIENCE * 1000)
    page.on("request", lambda request: asked.append(request.url))
    page.goto(course.url("notebooks/00_start_here.ipynb").replace("/doc/", "/lab/"))
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.wait_for_timeout(5_000)
    shown = page.locator(".Toastify__toast, .jp-Dialog").all_inner_texts()
    page.close()
    assert shown == []
    here = (course.address, course.address.replace("http", "ws"), "data:", "blob:")
    assert [url for url in asked if not url.startswith(here)] == []
