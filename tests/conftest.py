"""What every test may ask for: ``kernels``, each backend and variant in turn.

Where SEGCORE_BACKEND is set, that one alone.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

from segcore import backends
from segcore.backends.protocol import Kernels

# Processes that tests start find the installed segcore too, not the folder that they start in.
os.environ["PYTHONSAFEPATH"] = "1"

# Compiling (numba) and sharing a machine make the first example slow, which says nothing.
_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("brief", max_examples=20, **_COMMON)
settings.register_profile("quick", max_examples=100, **_COMMON)
settings.register_profile("thorough", max_examples=2000, **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


FORCED = os.environ.get("SEGCORE_BACKEND")


@pytest.fixture(scope="session", params=[backends.current()] if FORCED else backends.available())
def kernels(request: pytest.FixtureRequest) -> Kernels:
    """Give one backend after the other, each certainly itself."""
    kernels = backends.load(request.param)
    assert kernels.name == request.param
    return kernels
