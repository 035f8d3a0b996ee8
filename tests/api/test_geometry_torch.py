"""Resizing and affine maps beside PyTorch and torchvision, where no position is on a border."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import seeds
from support.util import patterns

import segcore as sc

torch = pytest.importorskip("torch")


@given(seed=seeds, method=st.sampled_from(["nearest", "nearest-exact"]))
def test_resizing(seed, method):
    height, width, *size = np.random.default_rng(seed).integers(1, 90, 4).tolist()
    masks = patterns(height, width, seed=seed)
    shift = 0.5 if method == "nearest-exact" else 0
    y, x = ((np.arange(a) + shift) * b / a for a, b in ((size[0], height), (size[1], width)))
    # PyTorch multiplies in float32.
    on_border = (abs(y - y.round()) < 1e-4)[:, None] | (abs(x - x.round()) < 1e-4)
    batch = torch.from_numpy(masks.astype(np.float32))[:, None]
    expected = torch.nn.functional.interpolate(batch, size, mode=method)[:, 0].numpy()
    got = sc.Masks.from_dense(masks).resize(size, method).to_dense(np.float32)
    assert not ((got != expected).any(axis=0) & ~on_border).any()


@given(seed=seeds)
def test_affine_maps(seed):
    functional = pytest.importorskip("torchvision.transforms.functional")
    rng = np.random.default_rng(seed)
    height, width = rng.integers(1, 90, 2).tolist()
    masks = patterns(height, width, seed=seed)
    angle, scale = rng.uniform(-180, 180), rng.uniform(0.3, 3)
    moves = rng.integers(-20, 20, 2).tolist()
    expected = functional.affine(
        torch.from_numpy(masks.astype(np.float32))[:, None],
        angle,
        moves,
        scale,
        [0.0, 0.0],
        functional.InterpolationMode.NEAREST,
    )[:, 0].numpy()
    cos, sin = (scale * f(math.radians(angle)) for f in (math.cos, math.sin))
    center = np.array([width - 1, height - 1]) / 2
    linear = np.array([[cos, -sin], [sin, cos]])
    matrix = np.column_stack([linear, center + moves - linear @ center])
    got = sc.Masks.from_dense(masks).affine(matrix).to_dense(np.float32)
    y, x = np.mgrid[:height, :width]
    grid = np.stack([x, y]) - np.reshape(center + moves, (2, 1, 1))
    u, v = np.einsum("ij,jyx->iyx", np.linalg.inv(linear), grid) + center[:, None, None]
    on_border = (abs(u % 1 - 0.5) < 1e-3) | (abs(v % 1 - 0.5) < 1e-3)
    assert not ((got != expected).any(axis=0) & ~on_border).any()
