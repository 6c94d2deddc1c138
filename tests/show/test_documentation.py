"""What the show room offers is documented: every parameter, and none besides."""

import inspect
import re

import pytest

from helpers.show import diagrams, interactive, listen, microphone, plots, widget

MODULES = (diagrams, interactive, listen, microphone, plots, widget)
OFFERED = {
    f"{module.__name__}.{name}": getattr(module, name)
    for module in MODULES
    for name in module.__all__
}


def documented(text):
    """Return the names under "Parameters" of a docstring, in their order."""
    _, _, after = text.partition("Parameters\n----------\n")
    section = re.split(r"\n\n.+\n-+\n", after)[0]
    lines = [line for line in section.splitlines() if line and not line.startswith(" ")]
    return [name.strip(" *") for line in lines for name in line.partition(" : ")[0].split(",")]


@pytest.mark.parametrize("name", OFFERED)
def test_the_documentation_names_every_parameter_in_its_order(name):
    function = OFFERED[name]
    assert documented(inspect.getdoc(function)) == list(inspect.signature(function).parameters)


def test_a_parameter_is_told_from_a_word():
    text = "Do.\n\nParameters\n----------\na, b : int\n    c : of both.\n**rest\n    More."
    assert documented(text + "\n\nReturns\n-------\nd : x") == ["a", "b", "rest"]
    assert documented("Do.\n\nReturns\n-------\nd : x") == []
