"""COCO run lengths, as plain counts and as compressed strings.

A compressed string contains one number per count. The first three numbers are the counts
themselves; each later one is the difference from the count two before it. A number is written in
groups of five bits, least significant first. Each group is the character 48 + group, plus 32 if
another group follows. Bit 4 of the last group is the sign.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch, Offsets, offsets_of
from segcore.backends import errors
from segcore.backends.reference.flips import Flips, cancel, split
from segcore.backends.runs import batch_of
from segcore.errors import MaskError

_FIRST, _LAST = ord("0"), ord("o")


def counts_decode(
    counts: NDArray[np.int64], counts_offsets: Offsets, height: int, width: int
) -> Batch:
    """Decode run lengths."""
    masks = []
    for mask, (start, end) in enumerate(pairwise(counts_offsets)):
        lengths = counts[start:end]
        _check_runs(mask, lengths, height, width)
        _check_total(mask, lengths, height, width)
        masks.append(_flips(lengths, height, width))
    return batch_of(masks, height, width)


def counts_encode(batch: Batch) -> tuple[NDArray[np.int64], Offsets]:
    """Encode masks as run lengths."""
    counts = [np.diff(flips, prepend=0, append=batch.pixels) for flips in split(batch)]
    return (
        np.concatenate([np.empty(0, np.int64), *counts]),
        offsets_of([len(lengths) for lengths in counts]),
    )


def string_decode(data: NDArray[np.uint8], data_offsets: Offsets, height: int, width: int) -> Batch:
    """Decode compressed strings."""
    masks = []
    for mask, (start, end) in enumerate(pairwise(data_offsets)):
        string = data[start:end]
        error, readable = _first_error(mask, string)
        lengths = _read(string[:readable])
        _check_runs(mask, lengths, height, width)  # errors of earlier counts take precedence
        if error:
            raise error
        _check_total(mask, lengths, height, width)
        masks.append(_flips(lengths, height, width))
    return batch_of(masks, height, width)


def string_encode(batch: Batch) -> tuple[NDArray[np.uint8], Offsets]:
    """Encode masks as compressed strings."""
    return write_strings(*counts_encode(batch))


def write_strings(
    counts: NDArray[np.int64], counts_offsets: Offsets
) -> tuple[NDArray[np.uint8], Offsets]:
    """Encode run lengths below 2**59 as compressed strings, without checking their sum."""
    index = np.arange(len(counts)) - np.repeat(counts_offsets[:-1], np.diff(counts_offsets))
    two_before = np.concatenate([[0, 0], counts])[: len(counts)]
    rest = counts - np.where(index > 2, two_before, 0)

    characters = np.zeros((len(counts), errors.MAX_STRING_GROUPS), np.uint8)  # 0: unused
    more = np.ones(len(counts), np.bool_)
    for column in characters.T:
        group = rest & 31
        rest = rest >> 5
        is_last = np.where(group & 16, rest == -1, rest == 0)
        column[more] = (group + np.where(is_last, 0, 32) + _FIRST)[more]
        more &= ~is_last
    ends = offsets_of((characters != 0).sum(axis=1))
    return characters[characters != 0], ends[counts_offsets]


def read_string(mask: int, string: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Decode the run lengths of a compressed string, without checking their sum."""
    error, readable = _first_error(mask, string)
    lengths = _read(string[:readable])
    negative = np.flatnonzero(lengths < 0)
    if len(negative):
        run = int(negative[0])
        raise errors.run_negative(mask, run, int(lengths[run]))
    if error:
        raise error
    return lengths


def _first_error(mask: int, string: NDArray[np.uint8]) -> tuple[MaskError | None, int]:
    """Return the first error of a string, if any, and the number of characters in whole counts."""
    invalid = np.flatnonzero((string < _FIRST) | (string > _LAST))
    valid = int(invalid[0]) if len(invalid) else len(string)
    last_characters = np.flatnonzero((string[:valid] - _FIRST) < 32)  # of each count
    starts = np.concatenate([[0], last_characters + 1])
    ends = np.append(last_characters + 1, valid)
    overlong = np.flatnonzero(ends - starts > errors.MAX_STRING_GROUPS)
    if len(overlong):
        run = int(overlong[0])
        return errors.string_overlong(mask, run), int(starts[run])
    readable = int(starts[-1])
    if len(invalid):
        return errors.string_byte(mask, valid, int(string[valid])), readable
    if readable < valid:
        return errors.string_truncated(mask), readable
    return None, readable


def _read(string: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Decode a string of whole counts. Counts after an invalid one may have overflowed."""
    if len(string) == 0:
        return np.empty(0, np.int64)
    codes = string.astype(np.int64) - _FIRST
    is_last = codes < 32
    starts = np.concatenate([[0], np.flatnonzero(is_last)[:-1] + 1])
    group = np.arange(len(codes)) - np.repeat(starts, np.diff(starts, append=len(codes)))
    signed = np.where(is_last & (codes & 16 != 0), (codes & 31) - 32, codes & 31)
    counts = np.add.reduceat(signed << (5 * group), starts)
    for differences in (counts[1::2], counts[2::2]):
        np.cumsum(differences, out=differences)
    return counts


def _check_runs(mask: int, lengths: NDArray[np.int64], height: int, width: int) -> None:
    """Raise ValueError for the first run that is negative or extends beyond the last pixel."""
    pixels = height * width
    # Clip the runs, so that the sum exceeds the number of pixels before it can overflow.
    sums = np.cumsum(np.clip(lengths, 0, pixels + 1))
    bad = np.flatnonzero((lengths < 0) | (sums > pixels))
    if len(bad) == 0:
        return
    run = int(bad[0])
    if lengths[run] < 0:
        raise errors.run_negative(mask, run, int(lengths[run]))
    total = sum(lengths[: run + 1].tolist())
    raise errors.runs_too_long(mask, run, total, height, width)


def _check_total(mask: int, lengths: NDArray[np.int64], height: int, width: int) -> None:
    """Raise ValueError if runs that passed `_check_runs` end before the last pixel."""
    total = int(lengths.sum())
    if total < height * width:
        raise errors.runs_too_short(mask, total, height, width)


def _flips(lengths: NDArray[np.int64], height: int, width: int) -> Flips:
    return cancel(np.cumsum(lengths), height * width)
