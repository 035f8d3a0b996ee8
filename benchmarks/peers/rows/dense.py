"""Dense arrays to masks, and masks to dense arrays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

import segcore as sc

from ...inputs import Inputs
from .. import limits
from ..forms import (
    Forms,
    counts_of_masks,
    counts_of_rlemasks,
    counts_of_rles,
    dense_of_interleaved,
    taken,
)
from ..libraries import drop_ins, load
from ..row import BEST_PEER, Bar, row
from ..timing import EXPECTED, SEGCORE, Contender


@row("encode (N, H, W) bool, C order", Bar(BEST_PEER, 2), Bar(limits.READ, 0.8))
def encode_batch(inputs: Inputs) -> Iterator[Contender]:
    """All masks from one array. segcore: a batch. rlemasklib: objects, or dicts of strings.

    The others: dicts of strings, mask by mask, with or without a Fortran-order copy first.
    """
    dense = inputs.blobs
    bytes_ = dense.view(np.uint8)
    for name, module in drop_ins().items():
        yield Contender(
            name,
            lambda encode=module.encode: [encode(np.asfortranarray(mask)) for mask in bytes_],
            counts_of_rles,
            "encode(np.asfortranarray(mask))",
        )
        if name != "pycocotools":
            yield Contender(
                name,
                lambda encode=module.encode: [encode(mask) for mask in bytes_],
                counts_of_rles,
                "encode(mask)",
            )
    if rlemasklib := load("rlemasklib"):
        yield Contender(
            "rlemasklib",
            lambda: rlemasklib.encode(bytes_, batch_first=True),
            counts_of_rles,
            "encode(batch_first=True)",
        )
        yield Contender(
            "rlemasklib",
            lambda: [rlemasklib.RLEMask.from_array(mask) for mask in bytes_],
            counts_of_rlemasks,
            "RLEMask.from_array",
        )
    yield Contender(SEGCORE, lambda: sc.Masks.from_dense(dense), counts_of_masks)
    yield from limits.read(dense)


@row("encode (H, W, N) uint8, Fortran order", Bar(BEST_PEER, 1.5))
def encode_interleaved(inputs: Inputs) -> Iterator[Contender]:
    """All masks from one array, in pycocotools' layout. segcore takes its (N, H, W) view."""
    dense = inputs.blobs_interleaved
    for name, module in drop_ins().items():
        yield Contender(name, lambda encode=module.encode: encode(dense), counts_of_rles, "encode")
    if rlemasklib := load("rlemasklib"):
        yield Contender("rlemasklib", lambda: rlemasklib.encode(dense), counts_of_rles, "encode")
        yield Contender(
            "rlemasklib",
            lambda: [rlemasklib.RLEMask.from_array(dense[:, :, i]) for i in range(dense.shape[2])],
            counts_of_rlemasks,
            "RLEMask.from_array",
        )
    yield Contender(SEGCORE, lambda: sc.Masks.from_dense(dense.transpose(2, 0, 1)), counts_of_masks)
    yield from limits.read(dense)


def encode_one(mask: NDArray[np.bool_]) -> Iterator[Contender]:
    """Encode one (H, W) mask in C order."""
    bytes_ = mask.view(np.uint8)
    for name, module in drop_ins().items():
        yield Contender(
            name,
            lambda encode=module.encode: [encode(np.asfortranarray(bytes_))],
            counts_of_rles,
            "encode(np.asfortranarray(mask))",
        )
        if name != "pycocotools":
            yield Contender(
                name,
                lambda encode=module.encode: [encode(bytes_)],
                counts_of_rles,
                "encode(mask)",
            )
    if rlemasklib := load("rlemasklib"):
        for is_sparse in (True, False):
            yield Contender(
                "rlemasklib",
                lambda is_sparse=is_sparse: [
                    rlemasklib.RLEMask.from_array(bytes_, is_sparse=is_sparse)
                ],
                counts_of_rlemasks,
                f"RLEMask.from_array(is_sparse={is_sparse})",
            )
    yield Contender(SEGCORE, lambda: sc.Masks.from_dense(mask), counts_of_masks)
    yield from limits.read(mask)


@row("encode one mask, C order: blob")
def encode_blob(inputs: Inputs) -> Iterator[Contender]:
    """One mask of the batch, as everybody's simplest call."""
    return encode_one(inputs.blobs[0])


@row("encode one mask, C order: noise", Bar(BEST_PEER, 2))
def encode_noise(inputs: Inputs) -> Iterator[Contender]:
    """Every pixel a coin toss: a million runs."""
    return encode_one(inputs.noise)


@row("encode one mask, C order: vertical stripes 4000 x 4000", Bar(BEST_PEER, 2))
def encode_vertical_stripes(inputs: Inputs) -> Iterator[Contender]:
    """Columns of one pixel's width: 4000 runs of COCO's order, 16 million flips in C order."""
    return encode_one(inputs.vertical_stripes)


@row("encode one mask, C order: horizontal stripes 4000 x 4000", Bar(BEST_PEER, 2))
def encode_horizontal_stripes(inputs: Inputs) -> Iterator[Contender]:
    """Rows of one pixel's height: every pixel is a run, 16 million of them to write."""
    return encode_one(inputs.horizontal_stripes)


@row("encode one mask, C order: empty")
def encode_empty(inputs: Inputs) -> Iterator[Contender]:
    """No foreground."""
    return encode_one(inputs.empty)


@row("encode one mask, C order: full")
def encode_full(inputs: Inputs) -> Iterator[Contender]:
    """No background."""
    return encode_one(inputs.full)


@row("decode into the caller's (N, H, W), C order", Bar(limits.FILL, 0.7))
def decode_into(inputs: Inputs) -> Iterator[Contender]:
    """All masks into memory that is there, both values written. Only rlemasklib can do that too."""
    forms = Forms.of_dense(inputs.blobs)
    out = np.ones(inputs.blobs.shape, np.uint8)

    def into_rlemasklib() -> NDArray[Any]:
        for mask, place in zip(forms.rlemasks, out, strict=True):
            mask.decode_into(place, fg_value=1, bg_value=0)
        return out

    yield Contender(EXPECTED, lambda: inputs.blobs, np.asarray)
    yield Contender(SEGCORE, lambda: forms.masks.to_dense(dtype=np.uint8, out=out), taken)
    if load("rlemasklib"):
        yield Contender("rlemasklib", into_rlemasklib, taken, "decode_into(out[i], 1, 0)")
    yield from limits.fill(out)


@row("decode to a fresh array", Bar(BEST_PEER, 1.2))
def decode_fresh(inputs: Inputs) -> Iterator[Contender]:
    """All masks into new memory, each library in the layout it likes best.

    segcore: (N, H, W) in C order. The drop-ins: (H, W, N) in Fortran order, strings parsed.
    rlemasklib: into a zeroed array, (N, H, W) in C order or every mask in Fortran order.
    """
    shape = inputs.blobs.shape
    forms = Forms.of_dense(inputs.blobs)

    def rlemasklib_decode(zeros: NDArray[np.uint8]) -> NDArray[Any]:
        for mask, place in zip(forms.rlemasks, zeros, strict=True):
            mask.decode_into(place, 1)
        return zeros

    for name, module in drop_ins().items():
        yield Contender(
            name,
            lambda decode=module.decode: decode(forms.rles),
            dense_of_interleaved,
            "decode",
        )
    if load("rlemasklib"):
        swapped = (shape[0], shape[2], shape[1])
        yield Contender(
            "rlemasklib",
            lambda: rlemasklib_decode(np.zeros(shape, np.uint8)),
            np.asarray,
            "decode_into, C order",
        )
        yield Contender(
            "rlemasklib",
            lambda: rlemasklib_decode(np.zeros(swapped, np.uint8).transpose(0, 2, 1)),
            np.asarray,
            "decode_into, Fortran order",
        )
    yield Contender(SEGCORE, forms.masks.to_dense, lambda dense: dense.view(np.uint8))
