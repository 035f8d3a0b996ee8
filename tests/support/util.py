"""Checks that the kernel tests share: agreement with the reference, and brute-force masks."""

from __future__ import annotations

import hashlib
import itertools
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest

from segcore._batch import Batch
from segcore.backends import reference
from segcore.backends.sizes import run_end_dtype

# Around every number of pixels that a SIMD or bit-packing kernel may take at a time.
BOUNDARY_SIZES = (1, 2, 3, 5, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 97, 127, 128, 129)

INTEGERS = tuple(np.dtype(code) for code in "bBhHiIqQ")
FLOATS = tuple(np.dtype(code) for code in "efd")
BOOL = np.dtype(bool)

# Mask by mask in C order, mask by mask in Fortran order, and pixel by pixel.
MEMORY_ORDERS = ("axes 012", "axes 021", "axes 120", "axes 210")


# -- what plain pytest leaves out -----------------------------------------------------------------


def slow(*values: Any) -> Any:
    """Mark one set of a test's parameters as slow."""
    return pytest.param(*values, marks=pytest.mark.slow)


def slow_on(backend: str, *values: Any) -> Any:
    """Mark one set of a test's parameters as slow on one backend: on Numba, if it compiles anew."""
    return pytest.param(*values, marks=pytest.mark.slow_on(backend))


def crossed(first: Iterable[Any], second: Iterable[Any]) -> list[Any]:
    """Pair all values; all pairs but those with the first value of either are slow."""
    first, second = list(first), list(second)
    return [
        (one, other) if one == first[0] or other == second[0] else slow(one, other)
        for one in first
        for other in second
    ]


def parameter_id(value: Any) -> str | None:
    """Name a dtype, with its byte order, or a layout."""
    return value.str if isinstance(value, np.dtype) else None


# -- agreement ------------------------------------------------------------------------------------


def assert_identical(got: Any, expected: Any, what: str = "result") -> None:
    """Compare results to the last bit: values, dtypes, shapes and layout."""
    if isinstance(expected, tuple):
        assert type(got) is type(expected), what
        for i, (one, other) in enumerate(zip(got, expected, strict=True)):
            assert_identical(one, other, f"{what}[{i}]")
        return
    if not isinstance(expected, np.ndarray):
        assert (type(got), got) == (type(expected), expected), what
        return
    assert isinstance(got, np.ndarray), what
    assert got.dtype == expected.dtype, what
    assert got.shape == expected.shape, what
    assert got.flags.c_contiguous, what
    if not np.array_equal(got, expected):  # quick, but says nothing, and takes NaN for a difference
        np.testing.assert_array_equal(got, expected, err_msg=what)


def agree(kernels: Any, name: str, *arguments: Any) -> Any:
    """Call a kernel and compare it with the reference: same result or error, unchanged inputs.

    Returns the result, or raises the error, for the test to compare with what it knows.
    """
    call = _fingerprint((name, *arguments))
    got = _outcome(kernels, name, [_mapped(_read_only, argument) for argument in arguments])
    assert _fingerprint((name, *arguments)) == call, f"{name} changed an input"
    if kernels is reference:
        _EXPECTED[call] = _fingerprint(got)
    elif _EXPECTED.get(call) != _fingerprint(got):
        expected = _outcome(reference, name, [copied(argument) for argument in arguments])
        if isinstance(expected, Exception):
            assert (type(got), str(got)) == (type(expected), str(expected))
            assert vars(got) == vars(expected)
        else:
            assert not isinstance(got, Exception), got
            assert_identical(got, expected)
        _EXPECTED[call] = _fingerprint(expected)
    if isinstance(got, Exception):
        raise got
    return got


_EXPECTED: dict[bytes, bytes] = {}
"""What the reference returned for each call, both as fingerprints: it is the slowest backend, comes
first, and every other one is compared with it in turn."""


def _fingerprint(value: Any) -> bytes:
    """Hash a value with its type, and an array to the last bit, with its dtype and shape."""
    digest = hashlib.blake2b(digest_size=16)
    _hash_into(digest, value)
    return digest.digest()


def _hash_into(digest: Any, value: Any) -> None:
    if isinstance(value, tuple):
        digest.update(f"{type(value).__name__}({len(value)}".encode())
        for item in value:
            _hash_into(digest, item)
    elif isinstance(value, np.ndarray):
        contiguous = value.flags.c_contiguous
        digest.update(repr((value.dtype, value.shape, contiguous)).encode())
        digest.update(value.reshape(-1).view(np.uint8) if contiguous else value.tobytes())
    elif isinstance(value, Exception):
        digest.update(repr((type(value), str(value), vars(value))).encode())
    else:
        digest.update(repr((type(value), value)).encode())


def _outcome(kernels: Any, name: str, arguments: list[Any]) -> Any:
    try:
        return getattr(kernels, name)(*arguments)
    except ValueError as error:
        return error


def copied(argument: Any) -> Any:
    """Copy an array or a batch; return anything else as it is."""
    return _mapped(np.copy, argument)


def _mapped(function: Callable[[np.ndarray], np.ndarray], argument: Any) -> Any:
    """Apply a function to an array, or to both arrays of a batch; return all others as they are."""
    if isinstance(argument, Batch):
        return Batch(function(argument.run_ends), function(argument.offsets), *argument.size)
    return function(argument) if isinstance(argument, np.ndarray) else argument


def arrays(arguments: Iterable[Any]) -> list[np.ndarray]:
    """Return the arrays among the arguments, also those of batches."""
    flat = [
        part for item in arguments for part in (item[:2] if isinstance(item, Batch) else [item])
    ]
    return [part for part in flat if isinstance(part, np.ndarray)]


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view


# -- brute force ----------------------------------------------------------------------------------


def batch_of(dense: np.ndarray) -> Batch:
    """Encode (N, H, W) booleans by looking at each pixel and the one before it."""
    n, height, width = dense.shape
    columns = dense.transpose(0, 2, 1).reshape(n, height * width)
    before = np.zeros_like(columns)
    before[:, 1:] = columns[:, :-1]
    mask, place = np.nonzero(columns != before)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(mask, minlength=n))])
    run_ends = place.astype(run_end_dtype(height, width))
    return Batch(run_ends, offsets.astype(np.int64), height, width)


def batch_of_flips(masks: list, size: tuple[int, int]) -> Batch:
    """Return a batch of masks that are given by their run ends."""
    offsets = np.cumsum([0, *map(len, masks)])
    run_ends = np.concatenate([np.empty(0, np.int64), *masks]).astype(run_end_dtype(*size))
    return Batch(run_ends, offsets, *size)


def dense_of(batch: Batch) -> np.ndarray:
    """Draw a batch by asking of each pixel how many run ends are not after it."""
    run_ends, offsets, height, width = batch
    places = np.arange(height * width)
    masks = [
        np.searchsorted(run_ends[start:end], places, side="right") % 2 == 1
        for start, end in itertools.pairwise(offsets)
    ]
    columns = np.array(masks, bool).reshape(len(masks), width, height)
    return columns.transpose(0, 2, 1)


def assert_batch(batch: Batch, dense: np.ndarray) -> None:
    """Check a kernel's batch against (N, H, W) booleans."""
    assert_identical(batch, batch_of(dense))


def assert_valid(batch: Batch, count: int, height: int, width: int) -> None:
    """Check that a batch is canonical: the form that makes equal masks equal arrays."""
    run_ends, offsets = batch.run_ends, batch.offsets
    assert batch.size == (height, width)
    assert run_ends.dtype == run_end_dtype(height, width)
    assert offsets.dtype == np.int64
    assert offsets.shape == (count + 1,)
    assert offsets[0] == 0
    assert offsets[-1] == len(run_ends)
    for start, end in itertools.pairwise(offsets):
        flips = run_ends[start:end].astype(np.int64)
        assert np.all(np.diff(flips) > 0)
        assert np.all(flips < height * width)


def every_mask(height: int, width: int) -> np.ndarray:
    """Give all masks of a tiny size: (2 ** (H * W), H, W)."""
    pixels = height * width
    bits = np.arange(2**pixels)[:, None] >> np.arange(pixels)
    return (bits % 2 == 1).reshape(2**pixels, height, width)


def patterns(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Give the masks that are hard on a kernel: (N, H, W)."""
    y, x = np.mgrid[:height, :width]
    rng = np.random.default_rng(seed)
    noise = [rng.random((height, width)) < density for density in (0.01, 0.5, 0.99)]
    ellipse = ((y - height / 2) / (height / 3)) ** 2 + ((x - width / 2) / (width / 3)) ** 2 < 1
    one = (y == height - 1) & (x == width - 1)
    return np.array(
        [
            np.zeros((height, width), bool),
            np.ones((height, width), bool),
            (x + y) % 2 == 0,
            x % 2 == 0,
            y % 2 == 0,
            x // 3 % 2 == 1,  # runs over several columns
            one,
            ~one,
            ellipse,
            ~ellipse,
            *noise,
        ]
    )


def stretched(batch: Batch, factor: int) -> Batch:
    """Make each pixel ``factor`` pixels high.

    It is how tests know the answers for sizes that no dense array can have.
    """
    height = batch.height * factor
    run_ends = batch.run_ends.astype(np.int64) * factor
    return Batch(
        run_ends.astype(run_end_dtype(height, batch.width)), batch.offsets, height, batch.width
    )


# -- memory layouts -------------------------------------------------------------------------------


class Placed:
    """An array in memory of one's own layout, with canaries round and between its elements.

    Attributes
    ----------
    view : numpy.ndarray
        The array.
    """

    def __init__(self, layout: str, shape: tuple[int, ...], dtype: np.dtype) -> None:
        self._layout = layout
        self._shape = shape
        self._memory = self._make(np.dtype(dtype))
        if self._memory.size:
            self._memory.reshape(-1).view(np.uint8)[:] = 0xA5
        self.view = self._view(self._memory)
        assert self.view.shape == shape
        assert self.view.dtype == dtype

    def assert_holds(self, expected: np.ndarray) -> None:
        """Check every byte: the array is ``expected``, and nothing beside it was written."""
        memory = np.empty_like(self._memory)
        other = Placed(self._layout, self._shape, self.view.dtype)
        memory = other._memory
        other.view[...] = expected
        assert self._memory.tobytes() == memory.tobytes()

    def _make(self, dtype: np.dtype) -> np.ndarray:
        shape = self._shape
        if self._layout == "unaligned":
            return np.empty(shape, np.dtype([("canary", "u1"), ("element", dtype)]))
        if self._layout == "stepped":
            return np.empty([2 * length + 1 for length in shape], dtype)
        if self._layout == "padded":
            return np.empty([length + 3 for length in shape], dtype)
        if self._layout.startswith("axes"):
            return np.empty([shape[axis] for axis in self._axes()], dtype)
        return np.empty(shape, dtype)

    def _view(self, memory: np.ndarray) -> np.ndarray:
        if self._layout == "unaligned":
            return memory["element"]
        if self._layout == "stepped":
            return memory[tuple(slice(1, None, 2) for _ in self._shape)]
        if self._layout == "padded":
            return memory[tuple(slice(1, 1 + length) for length in self._shape)]
        if self._layout.startswith("axes"):
            view = memory.transpose(np.argsort(self._axes()))
            return view[..., ::-1, ::-1] if self._layout.endswith("reversed") else view
        if self._layout == "reversed":
            return memory[tuple(slice(None, None, -1) for _ in self._shape)]
        if self._layout == "rows reversed":
            return memory[..., ::-1, :]
        return memory

    def _axes(self) -> list[int]:
        return [int(axis) for axis in self._layout.split()[1]]


def layouts(ndim: int) -> list[str]:
    """Name the layouts of :class:`Placed`: every order of the axes, and the rest."""
    orders = itertools.permutations("012"[:ndim])
    return [
        *("axes " + "".join(axes) for axes in orders),
        "axes 120 reversed" if ndim == 3 else "axes 10 reversed",
        *("reversed", "rows reversed", "stepped", "padded", "unaligned"),
    ]


# -- pycocotools ----------------------------------------------------------------------------------


class Pycocotools:
    """pycocotools.mask, quiet: it warns under NumPy 2."""

    def __init__(self) -> None:
        self._module = pytest.importorskip("pycocotools.mask")

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._module, name)

        def quiet(*arguments: Any) -> Any:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return function(*arguments)

        return quiet


def rles_of(batch: Batch) -> list:
    """Give COCO's RLE objects of a batch."""
    data, offsets = reference.string_encode(batch)
    return [
        {"size": [*batch.size], "counts": data[start:end].tobytes()}
        for start, end in itertools.pairwise(offsets)
    ]


def strings(*items: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Lay strings end to end: (data, data_offsets)."""
    offsets = np.cumsum([0, *map(len, items)])
    return np.frombuffer(b"".join(items), np.uint8), offsets.astype(np.int64)


def counts(*items: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Lay lists of run lengths end to end: (counts, counts_offsets)."""
    offsets = np.cumsum([0, *map(len, items)])
    return np.array([n for item in items for n in item], np.int64), offsets.astype(np.int64)


def assert_same(got, expected):
    """Compare to the last bit: types, keys in order, dtypes, shapes and memory order."""
    if isinstance(expected, np.ndarray):
        assert isinstance(got, np.ndarray)
        assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
        assert got.flags.f_contiguous == expected.flags.f_contiguous
        assert got.flags.c_contiguous == expected.flags.c_contiguous
        assert got.flags.writeable
        np.testing.assert_array_equal(got, expected)
        return
    assert type(got) is type(expected)
    if isinstance(expected, dict):
        assert list(got) == list(expected)
        for key, value in expected.items():
            assert_same(got[key], value)
    elif isinstance(expected, list):
        assert len(got) == len(expected)
        for one, other in zip(got, expected, strict=True):
            assert_same(one, other)
    else:
        assert got == expected
