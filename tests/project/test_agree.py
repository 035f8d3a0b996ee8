"""The comparison that the kernels' tests rely on finds a backend that is wrong."""

from types import SimpleNamespace

import numpy as np
import pytest
from support.util import agree, batch_of, patterns

from segcore.backends import reference

SIZE = (9, 7)


def changed(batch):
    areas = reference.area(batch)
    areas[-1] += 1
    return areas


def of_another_dtype(batch):
    return reference.area(batch).astype(np.int32)


def failing(batch):
    raise ValueError("no areas")


def writing(batch):
    batch.run_ends.flags.writeable = True
    batch.run_ends[0] += 1
    return reference.area(batch)


@pytest.mark.parametrize("area", [changed, of_another_dtype, failing, writing])
@pytest.mark.parametrize("known", [False, True])
def test_wrong_results_are_found(area, known):
    # Another seed each, so that only `known` decides whether the reference has run before.
    number = [changed, of_another_dtype, failing, writing].index(area)
    batch = batch_of(patterns(*SIZE, seed=1000 + 2 * number + known))
    if known:
        agree(SimpleNamespace(area=reference.area), "area", batch)
    with pytest.raises(AssertionError):
        agree(SimpleNamespace(area=area), "area", batch)


def test_wrong_errors_are_found():
    def wrong(*arguments):
        raise ValueError("bad mask")

    call = "counts_decode", np.array([9]), np.array([0, 1]), 2, 2
    for _ in range(2):
        with pytest.raises(ValueError, match="mask 0"):
            agree(SimpleNamespace(counts_decode=reference.counts_decode), *call)
        with pytest.raises(AssertionError):
            agree(SimpleNamespace(counts_decode=wrong), *call)
