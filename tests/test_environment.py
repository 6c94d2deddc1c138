"""The check of the environment names what is missing."""

from helpers.environment import missing_packages


def test_a_missing_package_is_named_and_an_installed_one_is_not(tmp_path):
    pyproject = tmp_path / "pyproject.toml"
    pyproject.write_text('[project]\ndependencies = ["numpy>=1", "not-on-any-machine==1.0"]\n')
    assert missing_packages(pyproject) == ["not-on-any-machine"]
