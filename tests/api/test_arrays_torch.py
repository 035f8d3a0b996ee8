"""PyTorch tensors whose memory does not hold their elements."""

from __future__ import annotations

import numpy as np
import pytest

import segcore as sc
from segcore._input.arrays import as_array, as_output

torch = pytest.importorskip("torch", reason="torch is not installed")


def complex_tensor():
    generator = torch.Generator().manual_seed(0)
    return torch.complex(*(torch.rand(1, 4, 5, generator=generator) - 0.5 for _ in range(2)))


def test_a_negated_tensor_is_read_as_what_it_is():
    values = complex_tensor().conj().imag
    assert values.is_neg()
    expected = values.resolve_neg().numpy()
    np.testing.assert_array_equal(as_array(values, "a"), expected)
    assert sc.Masks.from_dense(values, 0.0) == sc.Masks.from_dense(expected, 0.0)


def test_a_negated_tensor_of_bfloat16():
    values = torch._neg_view((torch.rand(4, 5) - 0.5).bfloat16())
    assert values.is_neg()
    expected = values.resolve_neg().float().numpy()
    np.testing.assert_array_equal(as_array(values, "a"), expected)
    assert sc.Masks.from_dense(values, 0.0) == sc.Masks.from_dense(expected, 0.0)


def test_a_conjugated_tensor_is_read_as_what_it_is():
    values = complex_tensor().conj()
    assert values.is_conj()
    np.testing.assert_array_equal(as_array(values, "a"), values.resolve_conj().numpy())


@pytest.mark.parametrize("part", [lambda x: x, lambda x: x.imag], ids=["conjugated", "negated"])
def test_outputs(part):
    masks = sc.Masks.from_boxes([[0, 0, 2, 2]], (4, 5))
    out = part(complex_tensor().conj())
    before = out.clone()
    with pytest.raises(TypeError, match="out: expected a tensor to write into"):
        masks.to_dense(out=out)
    assert torch.equal(out, before)


def quantized():
    return torch.quantize_per_tensor(torch.rand(4, 5), 0.1, 3, torch.quint8)


def fake(dtype):
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode():
        return torch.ones(4, 5, dtype=dtype)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("read", [as_array, as_output])
@pytest.mark.parametrize(
    "make",
    [
        quantized,
        lambda: torch.rand(4, 5).to_sparse(),
        lambda: torch.rand(4, 5).to_sparse_csr(),
        lambda: torch.rand(4, 5, requires_grad=True),
        lambda: torch.rand(4, 5, device="meta"),
        lambda: fake(torch.float32),
        lambda: fake(torch.bfloat16),
    ],
)
def test_tensors_without_readable_memory(make, read):
    with pytest.raises(TypeError, match=r"^scores: "):
        read(make(), "scores")
