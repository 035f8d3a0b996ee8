"""The faults that plant_faults.py plants: each still has its place in the code."""

from __future__ import annotations

import pytest
from plant_faults import ROOT, load

FAULTS = load()

pytestmark = pytest.mark.skipif(
    not ROOT.joinpath("src").is_dir(), reason="the sources are not beside the tests"
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_fault_can_be_planted(fault):
    text = ROOT.joinpath(fault.file).read_text("utf-8")
    assert fault.planted_in(text) != text
    assert fault.tests
    for name in fault.tests:
        assert ROOT.joinpath("tests", f"test_{name}.py").is_file()


def test_names_are_different():
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
