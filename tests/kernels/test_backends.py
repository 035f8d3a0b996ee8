"""The registry, and what every backend owes: the same names, on any thread, in any number."""

from __future__ import annotations

import inspect
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from support import paths
from support.util import assert_identical, batch_of, counts, patterns, slow, strings

from segcore import backends
from segcore._version import __version__
from segcore.backends import reference
from segcore.backends.protocol import OR, Kernels

NAMES = sorted(
    name for name, _ in inspect.getmembers(Kernels, inspect.isfunction) if name[0] != "_"
)

NATIVE = [name for name in backends.available() if name.startswith("native:")]


def run(code: str, backend: str | None = None, path: str = "") -> subprocess.CompletedProcess:
    """Run Python in a fresh process, with SEGCORE_BACKEND as given."""
    environment = {key: value for key, value in os.environ.items() if key != "SEGCORE_BACKEND"}
    if backend is not None:
        environment["SEGCORE_BACKEND"] = backend
    if path:
        environment["PYTHONPATH"] = os.pathsep.join([path, environment.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )


def answer(code: str, backend: str | None = None, path: str = "") -> str:
    process = run(code, backend, path)
    assert process.returncode == 0, process.stderr
    return process.stdout.strip()


CURRENT = "from segcore import backends; print(backends.current())"
WITHOUT_NATIVE = "import sys; sys.modules['segcore._native'] = None; "
WITHOUT_NUMBA = "import sys; sys.modules['numba'] = None; "


# -- the registry ---------------------------------------------------------------------------------


def test_available():
    names = backends.available()
    assert len(set(names)) == len(names)
    kinds = [name.partition(":")[0] for name in names]
    order = ["native", "numba", "reference"]
    assert kinds == sorted(kinds, key=order.index)
    assert names[-1] == "reference"
    if "native" in kinds:
        assert "native:scalar" in names


def test_load_gives_the_backend_of_that_name(kernels):
    assert backends.load(kernels.name) is kernels


def test_native_is_its_best_variant():
    if not NATIVE:
        pytest.skip("the native extension is not built")
    assert backends.load("native") is backends.load(NATIVE[0])
    assert answer(CURRENT, "native") == NATIVE[0]


def test_the_best_one_is_chosen():
    assert answer(CURRENT) == backends.available()[0]
    assert answer(CURRENT, "") == backends.available()[0]


@pytest.mark.parametrize("name", backends.available())
def test_the_environment_forces_one(name):
    code = f"from segcore import backends; assert backends.kernels is backends.load({name!r}); "
    assert answer(code + CURRENT, name) == name


@pytest.mark.parametrize("name", ["fast", "native:", "native:mmx", "NUMBA", "reference:", " "])
def test_an_unknown_name_is_an_error_that_lists_the_known_ones(name):
    with pytest.raises(ImportError) as caught:
        backends.load(name)
    listed = f"backend {name!r} is not available; available: {', '.join(backends.available())}. "
    assert listed in str(caught.value)
    process = run(CURRENT, name)
    assert process.returncode != 0
    assert listed in process.stderr
    assert process.stderr.splitlines()[-1].startswith("ImportError: ")


def test_without_the_extension():
    assert "native" not in answer(
        WITHOUT_NATIVE + "from segcore import backends; print(backends.available())"
    )
    following = next(name for name in backends.available() if not name.startswith("native"))
    assert answer(WITHOUT_NATIVE + CURRENT) == following
    process = run(WITHOUT_NATIVE + CURRENT, "native")
    assert process.returncode != 0
    assert "ImportError: segcore's backend 'native' is not available; available: " in process.stderr


def test_without_extension_and_numba():
    assert answer(WITHOUT_NATIVE + WITHOUT_NUMBA + CURRENT) == "reference"
    process = run(WITHOUT_NATIVE + WITHOUT_NUMBA + CURRENT, "numba")
    assert process.returncode != 0
    assert "backend 'numba' is not available; available: reference. " in process.stderr


def test_plain_numpy_is_warned_of_unless_it_was_asked_for():
    code = WITHOUT_NATIVE + WITHOUT_NUMBA + "import segcore"
    warning = run(code).stderr
    assert (
        warning.count("RuntimeWarning: segcore runs on plain NumPy, typically 100 times slower")
        == 1
    )
    assert "python -m pip install numba" in warning
    assert "SEGCORE_BACKEND=reference" in warning
    assert not run(code, "reference").stderr


def test_a_checkout_that_was_never_built_says_so(tmp_path):
    package = tmp_path / "segcore"
    compiled = shutil.ignore_patterns("*.so", "*.pyd", "__pycache__")
    shutil.copytree(Path(backends.__file__).parents[1], package, ignore=compiled)
    # What tells a checkout from a wheel; it must be where the checkout has it.
    source = paths.ROOT / "segcore" / "formats" / "_coco.pyx"
    shutil.copy(source, package / "formats")
    code = WITHOUT_NATIVE + "import segcore; print(segcore.__file__)"
    done = run(code, path=str(tmp_path))
    assert done.stdout.strip() == str(package / "__init__.py")
    assert "a source checkout whose extension modules were not built: run `python -m pip" in (
        done.stderr
    )
    assert str(tmp_path) in done.stderr
    assert not run(code, "reference", path=str(tmp_path)).stderr


def test_with_a_numba_that_cannot_be_imported(tmp_path):
    package = tmp_path / "numba"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('Numba needs another NumPy')\n")
    assert answer(WITHOUT_NATIVE + CURRENT, path=str(tmp_path)) == "reference"
    process = run(CURRENT, "numba", path=str(tmp_path))
    assert process.returncode != 0
    assert "backend 'numba' cannot be imported (Numba needs another NumPy); " in process.stderr


def test_numba_is_not_imported_where_it_is_not_used():
    code = "import sys; from segcore import backends; backends.available(); "
    assert answer(code + "print('numba' in sys.modules)", "reference") == "False"


# -- the kernels together -------------------------------------------------------------------------


def everything(kernels: Kernels) -> dict[str, object]:
    """Call every kernel by keyword, on enough work for several threads."""
    size = height, width = 120, 330
    masks = np.concatenate([patterns(*size, seed=seed) for seed in range(6)])
    n = len(masks)
    batch = batch_of(masks)
    # For the kernels of which the reference is slowest: still noise enough for several threads.
    few, fewer = batch_of(masks[:13]), batch_of(masks[9:13])
    pair = {"a": batch, "b": batch_of(masks[::-1])}
    # Every mask of one batch meets every mask of the other.
    few_pairs = {"a": batch_of(masks[:26]), "b": batch_of(masks[:-27:-1])}
    image = {"height": height, "width": width}
    data, data_offsets = reference.string_encode(batch)
    numbers, numbers_offsets = counts([height * width], [5, height * width - 5])
    rng = np.random.default_rng(0)
    points = rng.uniform(0, width, (n * 8, 2))
    ring_offsets = np.arange(0, n * 8 + 1, 8)
    out = np.empty(masks.shape, np.uint8)
    painted, labels = np.zeros(size, np.int32), np.zeros(size, np.uint8)
    order, values = np.arange(n), np.arange(1, n + 1, dtype=np.int32)

    results = {
        "encode": kernels.encode(dense=masks, threshold=None),
        "encode_bits": kernels.encode_bits(
            rows=np.packbits(masks, axis=2), width=width, little=False
        ),
        "encode_changes": kernels.encode_changes(
            columns=masks.transpose(0, 2, 1).reshape(n, -1).astype(np.uint8) * 3, **image
        ),
        "decode": kernels.decode(batch=batch, out=out, zeroed=False),
        "string_encode": kernels.string_encode(batch=batch),
        "string_decode": kernels.string_decode(data=data, data_offsets=data_offsets, **image),
        "counts_encode": kernels.counts_encode(batch=batch),
        "counts_decode": kernels.counts_decode(
            counts=numbers, counts_offsets=numbers_offsets, **image
        ),
        "area": kernels.area(batch=batch),
        "boxes": kernels.boxes(batch=batch),
        "moments": kernels.moments(batch=batch, second=True),
        "combine": kernels.combine(**pair, table=0b0110),
        "reduce": kernels.reduce(batch=batch, table=OR),
        "components": kernels.components(batch=fewer, connectivity=8),
        "dilate": kernels.dilate(batch=few, reach=np.array([3, 3, 2])),
        "place": kernels.place(
            batch=few, x=np.arange(13) - 40, y=np.arange(13) - 9, height=width, width=height
        ),
        "reverse": kernels.reverse(batch=few, rows=True, columns=True),
        "transpose": kernels.transpose(batch=few, rows=True, columns=False),
        "resize": kernels.resize(batch=few, height=90, width=400, centers=True),
        "cover": kernels.cover(batch=fewer, height=90, width=100, limit=9000),
        "warp": kernels.warp(
            batch=few, matrices=np.tile([0.8, 0.6, 0, -0.6, 0.8, 50, 0, 0, 1], (13, 1)), **image
        ),
        "outline": kernels.outline(batch=fewer, connectivity=8),
        "resolve": kernels.resolve(batch=batch, limits=np.full(n, 400)),
        "overlap": kernels.overlap(**few_pairs),
        "overlap_ratios": kernels.overlap_ratios(
            **few_pairs, groups=(np.array([0, 5, 26]), np.array([0, 7, 26]))
        ),
        "rasterize_polygons": kernels.rasterize_polygons(
            coordinates=points.ravel(),
            ring_offsets=ring_offsets,
            mask_offsets=np.arange(n + 1),
            **image,
        ),
        "rasterize_boxes": kernels.rasterize_boxes(boxes=points.reshape(-1, 4), **image),
        "resample": kernels.resample(
            scores=rng.normal(size=(n, 20, 30)).astype(np.float32),
            inner=None,
            x_positions=np.linspace(0, 29, width, dtype=np.float32),
            y_positions=np.linspace(0, 19, height, dtype=np.float32),
            windows=np.tile([0, 0, width, height, 0, 0], (n, 1)),
            **image,
            threshold=0.5,
        ),
        "argmax_resample": kernels.argmax_resample(
            scores=rng.normal(size=(9, 20, 30)).astype(np.float32),
            x_positions=np.linspace(0, 29, width, dtype=np.float32),
            y_positions=np.linspace(0, 19, height, dtype=np.float32),
            out=labels,
        ),
        "paint": kernels.paint(batch=batch, order=order, values=values, out=painted),
        "label_runs": kernels.label_runs(labels=painted, background=0),
        "overlap_table": kernels.overlap_table(labels_a=painted, labels_b=labels),
        "match": kernels.match(
            ratios=np.array([0.9, 0.6, 0.8, 0.7]),
            groups_a=np.array([0, 2]),
            groups_b=np.array([0, 2]),
            ignored=np.array([[0, 1], [0, 0]], np.uint8),
            crowd=np.array([0, 1], np.uint8),
            claims=np.array([1, 0], np.uint8),
            thresholds=np.array([0.5, 0.75]),
        ),
        "precision_recall": kernels.precision_recall(
            matched=np.array([[3, 1, 0]], np.uint64),
            ignored=np.array([[0, 0, 2]], np.uint64),
            scores=np.array([0.9, 0.8, 0.7]),
            ranks=np.array([0, 1, 2]),
            classes=np.array([0, 3]),
            num_true=np.array([[3]]),
            limits=np.array([2, 100]),
            num_thresholds=2,
            recalls=np.array([0.0, 0.5, 1.0]),
        ),
    }
    assert results["decode"] is None
    assert results["argmax_resample"] is None
    assert results["paint"] is None
    return {**results, "decode": out, "argmax_resample": labels, "paint": painted}


def assert_same(got: dict[str, object], expected: dict[str, object]) -> None:
    for name, result in expected.items():
        assert_identical(got[name], result, name)


@pytest.fixture(scope="session")  # the tests of a module do not run one after the other
def expected():
    return everything(reference)


def test_every_kernel_is_there_and_takes_its_arguments_by_name(kernels, expected):
    assert set(expected) == set(NAMES)
    if kernels is not reference:  # of which `expected` is the result
        assert_same(everything(kernels), expected)


@pytest.mark.slow_on("reference", *NATIVE[1:])
def test_on_several_threads_at_once(kernels, expected):
    with ThreadPoolExecutor(3) as pool:
        for got in pool.map(everything, [kernels] * 3):
            assert_same(got, expected)


@pytest.mark.parametrize("name", [*NATIVE[:1], *map(slow, NATIVE[1:])])
@pytest.mark.parametrize("threads", [1, 3, slow(2), slow(8)])
def test_results_do_not_depend_on_the_number_of_threads(name, expected, threads):
    from segcore import _native

    before = _native.get_num_threads()
    try:
        _native.set_num_threads(threads)
        assert _native.get_num_threads() == threads
        got = everything(backends.load(name))
    finally:
        _native.set_num_threads(before)
    assert_same(got, expected)


@pytest.mark.slow_on("reference")
def test_the_first_bad_mask_is_named_whatever_the_number_of_threads(kernels):
    lists = [[5, 2, 5]] * 20_000
    lists[15_000], lists[19_999] = [13], [-1]
    for name, (values, offsets) in (
        ("counts_decode", counts(*lists)),
        ("string_decode", strings(*([b"525"] * 15_000), b"=", b"O", *([b"525"] * 5_000))),
    ):
        with pytest.raises(ValueError, match=r"^mask 15000: runs 0 to 0 sum to 13, "):
            getattr(kernels, name)(values, offsets, 4, 3)


def test_the_extension_is_of_this_version():
    native = pytest.importorskip("segcore._native", reason="the native extension is not built")
    assert native.version == __version__
    assert native.compiler
    assert backends.available()[: len(native.variants())] == tuple(
        f"native:{variant}" for variant in native.variants()
    )


def test_the_extension_refuses_what_it_has_not():
    native = pytest.importorskip("segcore._native", reason="the native extension is not built")
    for name in ("", "mmx", "native", "SCALAR"):
        with pytest.raises((ValueError, ImportError)):
            native.Kernels(name)
    for threads in (0, -1):
        with pytest.raises(ValueError, match="thread"):
            native.set_num_threads(threads)
