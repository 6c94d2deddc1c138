"""The checker of exercises tells right from wrong, and says why."""

from xml.etree import ElementTree

import numpy as np
import pytest

from helpers import exercises


@exercises.checker
def check_ramp(answer):
    """Right."""
    exercises.expect(answer(3), np.array([0.0, 1.0, 2.0]), "a ramp of 3")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda n: np.arange(n), "✓ Right."),
        (lambda n: [0, 1, 2], "✓ Right."),
        (lambda n: np.arange(n) + 1e-12, "✓ Right."),
        (lambda n: np.arange(n + 1), "✗ a ramp of 3: your shape is (4,), expected (3,)."),
        (
            lambda n: np.array([0, 1, 9]),
            "✗ a ramp of 3: 1 of 3 values differ; the first is at [2]: you give 9, expected 2.",
        ),
        (lambda n: None, "○ Nothing here yet: write your answer above, then run this cell again."),
        (lambda n: "ramp", "✗ a ramp of 3: you give no numbers."),
        (lambda n: [[1], [2, 3]], "✗ a ramp of 3: you give no numbers."),
        (lambda n: np.full(n, np.nan), "✗ a ramp of 3: 3 of 3 values differ; the first is at [0]: "
                                       "you give nan, expected 0."),
        (lambda n: n / 0, "✗ Your answer raises ZeroDivisionError: division by zero"),
    ],
)  # fmt: skip
def test_an_answer_is_told_what_is_wrong(capsys, answer, told):
    check_ramp(answer)
    assert capsys.readouterr().out == told + "\n"


@pytest.mark.parametrize(
    ("got", "wanted", "tolerances", "right"),
    [
        (1e6 + 0.9, 1e6, {}, True),
        (1e6 + 1.1, 1e6, {}, False),
        (0.9e-9, 0, {}, True),
        (1.1e-9, 0, {}, False),
        (1e6 + 1.1, 1e6, {"rtol": 1e-5}, True),
        (1e6 + 0.9, 1e6, {"rtol": 1e-7}, False),
        (0.01, 0, {"atol": 0.02}, True),
        (0.9e-9, 0, {"atol": 0}, False),
    ],
)
def test_numbers_may_differ_by_as_much_as_is_said(capsys, got, wanted, tolerances, right):
    def check(answer):
        """Right."""
        exercises.expect(answer, wanted, "a number", **tolerances)

    exercises.checker(check)(got)
    assert capsys.readouterr().out.startswith("✓" if right else "✗ a number: you give")


def test_where_a_table_differs_is_told_by_row_and_column(capsys):
    def check(answer):
        """Right."""
        exercises.expect(answer, np.eye(3), "a table")

    exercises.checker(check)(np.eye(3) + np.eye(3)[[2, 2, 1]] * [[0], [0.5], [0.5]])
    told = "✗ a table: 2 of 9 values differ; the first is at [1, 2]: you give 0.5, expected 0.\n"
    assert capsys.readouterr().out == told


@pytest.mark.parametrize(("got", "told"), [("hann", "✓"), ("Hann", "✗"), (True, "✗")])
def test_words_are_compared_exactly(capsys, got, told):
    exercises.checker(check_word)(got)
    assert capsys.readouterr().out.startswith(told)


def check_word(answer):
    """Right."""
    exercises.expect(answer, "hann", "the name of the window")


def test_a_checker_must_have_something_to_say():
    with pytest.raises(ValueError, match="has no docstring"):
        exercises.checker(lambda answer: None)


CHOICES = {"Louder": (False, "No: x < 1."), "As loud & `np.abs`": (np.bool_(True), "By Parseval.")}


def test_each_choice_opens_its_own_reply_and_a_wrong_one_is_repeated():
    shown = exercises.predict("Is `y` <b>louder</b>?", CHOICES)._repr_html_()
    page = ElementTree.fromstring(shown)  # well formed
    assert "".join(page.find("legend").itertext()) == "Predict first. Is y <b>louder</b>?"
    said = [["".join(part.itertext()) for part in choice] for choice in page.findall("details")]
    assert said == [
        ["A Louder", "✗ You said “Louder”. No: x < 1."],
        ["B As loud & np.abs", "✓ Right. By Parseval."],
    ]
    assert [code.text for code in page.iter("code")] == ["y", "np.abs"]
    assert not any("open" in choice.attrib for choice in page.findall("details"))


def test_choosing_one_closes_the_others_of_the_same_question_only():
    pages = [
        ElementTree.fromstring(exercises.predict(question, CHOICES)._repr_html_())
        for question in ("Louder?", "Longer?", "Louder?")
    ]
    names = [{choice.get("name") for choice in page.findall("details")} for page in pages]
    assert names[0] == names[2] != names[1] and [len(one) for one in names] == [1, 1, 1]


def test_where_no_html_is_shown_no_reply_is_seen():
    shown = repr(exercises.predict("Louder?", CHOICES))
    assert shown == "Predict first: Louder?\n  A  Louder\n  B  As loud & `np.abs`"


@pytest.mark.parametrize(
    ("question", "choices", "complaint"),
    [
        (" ", CHOICES, "the question is empty"),
        ("Which?", {"One": (True, "Yes.")}, "1 choices; .* two to four"),
        ("Which?", {c: (c == "a", "So.") for c in "abcde"}, "5 choices; .* two to four"),
        ("Which?", {**CHOICES, " ": (False, "No.")}, "a choice is empty"),
        ("Which?", {**CHOICES, "None": (False, "\n")}, "'None' has an empty reply"),
        ("Which?", {**CHOICES, "None": "No."}, r"'None' comes with 'No.'; expected \(True or"),
        ("Which?", {**CHOICES, "None": (np.array([1, 0]) > 0, "No.")}, "'None' comes with"),
        ("Which?", {**CHOICES, "None": (0, "No.")}, "'None' comes with"),
        ("Which?", {**CHOICES, "None": (False, None)}, "'None' comes with"),
        ("Which?", {**CHOICES, "None": (True, "Yes.")}, r"2 choices are right: \['As loud"),
        ("Which?", {"Up": (False, "No."), "Down": (False, "No.")}, "0 choices are right"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(question, choices, complaint):
    with pytest.raises(ValueError, match=complaint):
        exercises.predict(question, choices)


@pytest.mark.parametrize("number", [2, 3, 4])
def test_two_three_or_four_choices_may_be_given(number):
    choices = {c: (c == "b", "So.") for c in "abcd"[:number]}
    assert len(repr(exercises.predict("Which?", choices)).splitlines()) == 1 + number
