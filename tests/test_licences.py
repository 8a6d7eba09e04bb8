"""LICENCES.md is that of today's packages and texts, and a licence that does not fit is seen."""

from email.message import Message

import pytest

from trust import declared, dependencies, licences


def test_the_page_is_up_to_date():
    text = licences.PAGE.read_text(encoding="utf-8")
    assert text == licences.page(), "run: python -m trust.licences"


def package(**fields: str) -> Message:
    """Metadata as an installed package's; `Classifier` as one of them."""
    found = Message()
    for name, value in fields.items():
        found[name.replace("_", "-")] = value
    return found


@pytest.mark.parametrize(
    ("name", "fields", "wrong"),
    [
        ("numpy", {"License_Expression": "BSD-3-Clause AND MIT"}, ""),
        ("numpy", {"Classifier": "License :: OSI Approved :: BSD License"}, ""),
        ("numpy", {"License": "BSD 3-Clause\nwhat follows names the GPL of a compiler"}, ""),
        ("pillow", {"License_Expression": "MIT-CMU"}, ""),
        ("numpy", {"License_Expression": "MIT-CMU"}, "but LICENCES.md 'BSD-3-Clause'"),
        ("numpy", {"License_Expression": "BSD-3-Clause AND GPL-3.0-only"}, "asks more"),
        ("numpy", {"Classifier": "License :: OSI Approved :: GNU Affero"}, "asks more"),
        ("numpy", {}, "states no licence"),
        ("nobody", {"License_Expression": "MIT"}, "add it there"),
    ],
)
def test_what_a_package_says_of_itself_is_held_against_the_page(name, fields, wrong, monkeypatch):
    monkeypatch.setattr(licences, "metadata", lambda _: package(**fields))
    found = licences.fault(name)
    assert wrong in found and bool(found) == bool(wrong)


def test_an_import_that_nobody_declares_is_found(monkeypatch):
    monkeypatch.setattr(declared, "_sources", lambda: [(declared.ROOT / "a.py", "import yaml.x")])
    assert declared.imported() == {"yaml": {"a.py"}}
    found = dependencies.CASES["imports"](True)
    assert "yaml is imported by a.py and not in pyproject.toml" in found.wrong
    assert "numpy is declared and nowhere imported" in found.wrong


def test_a_version_out_of_its_range_is_found(monkeypatch):
    two = [declared.Package("numpy", ">=2", "", "arrays"), declared.Package("pooch", ">=1", "", "")]
    monkeypatch.setattr(dependencies, "packages", lambda: two)
    monkeypatch.setattr(dependencies, "version", {"numpy": "1.26", "pooch": "1.8"}.get)
    monkeypatch.setattr(dependencies, "pins", lambda: {"numpy": "1.0"})
    assert dependencies.CASES["ranges"](True).wrong == (
        "numpy 1.26 is installed, out of >=2",
        "numpy 1.0 is pinned, out of >=2",
        "pooch: pyproject.toml does not say what it is for",
        "pooch: requirements.txt has no version of it",
    )


def test_a_range_has_a_lower_end():
    assert declared.Package("pooch", ">=1.8,<2", "", "").floor == "1.8"
    for range_ in ("", "<2", "==1.8"):
        with pytest.raises(ValueError, match=f"pooch{range_}: a range begins"):
            _ = declared.Package("pooch", range_, "", "").floor


def test_what_the_tests_said_is_read_from_their_report():
    report = """<testsuites><testsuite>
    <testcase classname="tests.test_a" name="one"/>
    <testcase classname="tests.test_a" name="two"><skipped message="no node"/></testcase>
    <testcase classname="tests.test_b" name="three"><failure message="no&#10;E more"/></testcase>
    <testcase classname="tests.test_b" name="four"><error message="no fixture"/></testcase>
    </testsuite></testsuites>"""
    outcomes, failed = dependencies.outcomes_of(report)
    assert outcomes == {"passed": 1, "skipped": 1, "failed": 2}
    assert failed == ["tests.test_b::three: no", "tests.test_b::four: no fixture"]
