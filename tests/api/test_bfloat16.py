"""bfloat16: read from torch and ml_dtypes, and compared as NumPy would if it had it."""

from __future__ import annotations

import gc

import numpy as np
import pytest

import segcore as sc
from segcore._input import bfloat16
from segcore._input.arrays import as_array

EVERY = np.arange(2**16, dtype=np.uint16)
THRESHOLDS = [0.0, -0.0, 0.5, -0.5, 0.3, -0.3, 1e-45, -1e-45, 1e38, -1e38, np.inf, -np.inf]
NEAR = (0.5, 1.0, -1.0)


class Tensor:
    """What has bfloat16 as torch has: a dtype of its own, and DLPack."""

    def __init__(self, bits: np.ndarray, code: int = 4, device: int = 1) -> None:
        self.bits = bits
        self.code, self.device = code, device
        self.dtype = "torch.bfloat16"

    def __dlpack_device__(self):
        return self.device, 0

    def __dlpack__(self):
        capsule = self.bits.__dlpack__()
        bfloat16._tensor_in(capsule).code = self.code
        return capsule


def exactly(bits: np.ndarray) -> np.ndarray:
    return (bits.astype(np.uint32) << 16).view(np.float32)


@pytest.fixture
def every() -> np.ndarray:
    """Give the bits of every bfloat16, as a mask."""
    return EVERY.reshape(1, 256, 256).copy()


@pytest.mark.parametrize("threshold", [*THRESHOLDS, *(x * (1 + 2.0**-12) for x in NEAR)])
def test_from_dense_compares_every_number(every, threshold):
    limit = exactly(np.array([bfloat16.rounded(threshold)], np.uint16))[0]
    masks = sc.Masks.from_dense(Tensor(every), threshold)
    assert masks == sc.Masks.from_dense(exactly(every), float(limit))


def test_thresholds_are_rounded_to_even():
    for bits in (0x3F80, 0x3F81, 0xBF80, 0xBF81, 0x0000, 0x7F7F):
        low, high = exactly(np.array([bits, bits + 1], np.uint16)).astype(float)
        if not np.isfinite(high):
            high = 2.0**128
        even = bits + bits % 2
        assert bfloat16.rounded(low) == bits
        assert bfloat16.rounded((low + high) / 2) == even
        assert bfloat16.rounded(low + (high - low) * 0.49) == bits
        assert bfloat16.rounded(low + (high - low) * 0.51) == bits + 1


def test_from_dense_takes_any_strides(every):
    for bits in (every[:, ::3, ::-2], every.transpose(0, 2, 1), every[0], every[:, :0]):
        expected = sc.Masks.from_dense(exactly(np.ascontiguousarray(bits)), 0.5)
        assert sc.Masks.from_dense(Tensor(bits), 0.5) == expected


def test_it_is_float32_elsewhere(every):
    array = as_array(Tensor(every), "x")
    np.testing.assert_array_equal(array, exactly(every))
    assert array.dtype == np.float32


def test_the_memory_lives_as_long_as_the_array():
    bits = bfloat16.bits_of(Tensor(np.full((300, 300), 0x3F80, np.uint16)))
    gc.collect()
    assert (bits == 0x3F80).all()
    assert not bits.flags.writeable


def test_from_dense_needs_a_threshold(every):
    with pytest.raises(ValueError, match=r"^dense: bfloat16 needs a threshold"):
        sc.Masks.from_dense(Tensor(every))


def test_on_a_device(every):
    with pytest.raises(TypeError, match=r"^dense: expected an array in CPU memory"):
        sc.Masks.from_dense(Tensor(every, device=2), 0.5)


def test_what_only_says_so(every):
    with pytest.raises(TypeError, match=r"^dense: cannot read Tensor as array: its memory does"):
        sc.Masks.from_dense(Tensor(every, code=1), 0.5)
    liar = Tensor(every)
    liar.__class__ = type("Liar", (Tensor,), {"__dlpack__": lambda self: "no capsule"})
    with pytest.raises(TypeError, match=r"^dense: cannot read Liar as array"):
        sc.Masks.from_dense(liar, 0.5)


def test_ml_dtypes(every):
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed")
    array = every.view(ml_dtypes.bfloat16)
    assert sc.Masks.from_dense(array, 0.3) == sc.Masks.from_dense(Tensor(every), 0.3)
    np.testing.assert_array_equal(as_array(array, "x"), exactly(every))


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_torch(every, threshold):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    tensor = torch.from_numpy(every.view(np.int16)).view(torch.bfloat16)
    expected = (tensor > threshold).numpy()
    np.testing.assert_array_equal(sc.Masks.from_dense(tensor, threshold).to_dense(), expected)
