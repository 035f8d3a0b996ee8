"""What the API takes as arrays and sizes, and what it refuses."""

import numpy as np
import pytest

import segcore as sc
from segcore._input.arrays import allocate, as_array, as_integer, as_integers, as_output, as_size


class Tensor:
    """Memory of another library, which speaks DLPack."""

    def __init__(self, array, device=1):
        self.array = array
        self.device = device

    def __dlpack_device__(self):
        return self.device, 0

    def __dlpack__(self, **keywords):
        return self.array.__dlpack__(**keywords)


class Cupy:
    __cuda_array_interface__ = {"shape": (2, 2)}  # noqa: RUF012


class Unreadable:
    def __dlpack_device__(self):
        return 1, 0

    def __dlpack__(self, **keywords):
        raise BufferError("it requires grad")

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("use tensor.detach()")


def test_dlpack_memory_is_read_where_it_lies():
    dense = np.arange(12, dtype=np.int16).reshape(3, 4)
    array = as_array(Tensor(dense), "dense")
    assert np.shares_memory(array, dense)
    assert sc.Masks.from_dense(Tensor(dense)) == sc.Masks.from_dense(dense)


def test_buffers_and_arrays_are_read_where_they_lie():
    dense = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert as_array(dense, "dense") is dense
    assert np.shares_memory(as_array(memoryview(dense), "dense"), dense)
    matrix = dense.view(np.recarray)
    assert type(as_array(matrix, "dense")) is np.ndarray
    assert np.shares_memory(as_array(matrix, "dense"), dense)


@pytest.mark.parametrize(
    "make", [lambda: Tensor(np.zeros((2, 2)), device=2), lambda: Tensor(None, device=10), Cupy]
)
@pytest.mark.parametrize(
    "call",
    [
        sc.Masks.from_dense,
        sc.Masks.from_label_map,
        lambda value: sc.Masks.from_boxes(value, (2, 2)),
        lambda value: sc.Masks(value, [0], (2, 2)),
        lambda value: sc.Masks([], [0], (2, 2)).to_dense(out=value),
        lambda value: sc.compose_semantic(sc.Masks([], [0], (2, 2)), value),
    ],
)
def test_a_gpu_is_refused(call, make):
    with pytest.raises(TypeError, match=r"CPU memory.*call \.cpu\(\) first"):
        call(make())


def test_pinned_memory_is_the_cpus():
    assert sc.Masks.from_dense(Tensor(np.ones((2, 2), bool), device=1)).area == [4]
    array = Tensor(np.ones((2, 2), bool), device=3)
    # NumPy asks for the CPU's own memory there, and the object may give it.
    assert as_array(array, "dense").sum() == 4


def test_what_cannot_be_read_says_why():
    with pytest.raises(TypeError, match=r"dense: cannot read Unreadable.*tensor\.detach\(\)"):
        as_array(Unreadable(), "dense")
    with pytest.raises(ValueError, match=r"^dense: expected an array: "):
        as_array([[1, 2], [3]], "dense")


def test_an_endless_list_is_an_error():
    endless: list = []
    endless.append(endless)
    with pytest.raises((TypeError, ValueError), match="dense"):
        sc.Masks.from_dense(endless)


def test_a_class_is_no_array():
    with pytest.raises(TypeError, match="dense"):
        sc.Masks.from_dense(Tensor)


@pytest.mark.skipif(
    np.lib.NumpyVersion(np.__version__) < "2.1.0", reason="DLPack is read-only before NumPy 2.1"
)
def test_outputs_are_written_where_they_lie():
    out = np.zeros((1, 2, 2), np.float32)
    given = Tensor(out)
    masks = sc.Masks([0], [0, 1], (2, 2))
    assert masks.to_dense(out=given) is given
    assert out.all()


@pytest.mark.parametrize("out", [[[[0]]], 3, "out"])
def test_an_output_is_no_list(out):
    with pytest.raises(TypeError, match="out: expected an array to write into"):
        as_output(out, "out")


def test_an_output_is_writable():
    with pytest.raises(ValueError, match="read-only"):
        as_output(np.broadcast_to(np.zeros(1), 5), "out")


@pytest.mark.parametrize("size", [(4, 6), [4, 6], np.array([4, 6], np.uint8), (np.int64(4), 6)])
def test_sizes(size):
    assert as_size(size) == (4, 6)
    assert all(type(side) is int for side in as_size(size))


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((4,), "expected .height, width."),
        ((4, 5, 6), "expected .height, width."),
        ("", "expected .height, width."),
        ((-1, 5), "nonnegative"),
        ((2**30, 2**29), "2..59 pixels"),
        ((2**70, 0), "2..59 pixels"),
        ((0, 2**59), "2..59 pixels"),
    ],
)
def test_impossible_sizes(size, message):
    with pytest.raises(ValueError, match=f"size: .*{message}"):
        as_size(size)


@pytest.mark.parametrize("size", [7, None, "45", (4.0, 5.0), (True, 5), (None, 5), ([4], 5)])
def test_sizes_of_other_types(size):
    with pytest.raises(TypeError, match="size: expected"):
        as_size(size)


def test_the_largest_sizes():
    assert as_size((2**29, 2**30 - 1)) == (2**29, 2**30 - 1)
    assert sc.Masks([0], [0, 1], (1, 2**59 - 1)).area.tolist() == [2**59 - 1]


def test_integers():
    assert as_integers([], "ids").dtype == np.int64
    assert as_integers(np.array([3], ">u2"), "ids").tolist() == [3]
    with pytest.raises(TypeError, match="ids: expected integers, got float64"):
        as_integers([1.0], "ids")
    with pytest.raises(TypeError, match="ids: expected integers, got bool"):
        as_integers([True], "ids")
    with pytest.raises(TypeError, match="ids: expected integers"):
        as_integers([2**70], "ids")
    with pytest.raises(ValueError, match="ids: expected one dimension"):
        as_integers([[1]], "ids")
    with pytest.raises(ValueError, match="ids: expected 3 values, one per mask, got 1"):
        as_integers([1], "ids", 3)


def test_an_integer():
    assert type(as_integer(np.uint8(3), "n")) is int
    for value in (True, np.bool_(1), 3.0, "3", None):
        with pytest.raises(TypeError, match="n: expected an integer"):
            as_integer(value, "n")


def test_arrays_beyond_the_address_space():
    assert allocate((2, 3), np.uint8, order="F").flags.f_contiguous
    for shape in [(2**31, 2**31, 4), (2**40, 2**40, 0)]:
        with pytest.raises(ValueError, match="more bytes than can be addressed"):
            allocate(shape, np.float64)


# -- where masks are expected ---------------------------------------------------------------------

IMAGE = np.zeros((3, 3, 3), np.uint8)
ONE = sc.Masks.from_boxes([[0, 0, 1, 1]], (3, 3))
TAKE_MASKS = {
    "boundary": lambda junk: sc.boundary(junk, 1),
    "boundary_iou": lambda junk: sc.boundary_iou(ONE, junk),
    "closing": lambda junk: sc.closing(junk, 1),
    "compose_panoptic": lambda junk: sc.compose_panoptic(junk, [1], [0.5]),
    "compose_semantic": lambda junk: sc.compose_semantic(junk, [1]),
    "concatenate": lambda junk: sc.Masks.concatenate([ONE, junk]),
    "diagnose": lambda junk: sc.diagnose(ONE, junk),
    "difference": lambda junk: sc.show.difference(ONE, junk, IMAGE),
    "dilate": lambda junk: sc.dilate(junk, 1),
    "erode": lambda junk: sc.erode(junk, 1),
    "fill_holes": sc.fill_holes,
    "holes": sc.holes,
    "huggingface": sc.formats.huggingface.encode,
    "instances": sc.show.instances,
    "kaggle": sc.formats.kaggle.encode,
    "label_studio": sc.formats.label_studio.encode,
    "keep_largest": sc.keep_largest,
    "matrix_nms": lambda junk: sc.matrix_nms(junk, [0.5]),
    "merge_duplicates": lambda junk: sc.merge_duplicates(junk, [0.5], 0.5),
    "nms": lambda junk: sc.nms(junk, [0.5], 0.5),
    "opening": lambda junk: sc.opening(junk, 1),
    "overlay": lambda junk: sc.show.overlay(IMAGE, junk),
    "remove_small": lambda junk: sc.remove_small(junk, 1),
    "semantic_image": lambda junk: sc.show.semantic_image(junk, [1]),
    "soft_nms": lambda junk: sc.soft_nms(junk, [0.5]),
    "thin_parts": lambda junk: sc.thin_parts(junk, 3),
}


@pytest.mark.parametrize("name", TAKE_MASKS)
@pytest.mark.parametrize("junk", [None, 5, "x", [], object()], ids=lambda junk: type(junk).__name__)
def test_what_is_no_masks_is_an_error_that_says_so(name, junk):
    with pytest.raises(TypeError, match=r"[Mm]asks"):
        TAKE_MASKS[name](junk)


# -- memory that does not hold the elements -------------------------------------------------------


class LazyTensor(Tensor):
    """A tensor that is negated or conjugated when it is read, as PyTorch's may be."""

    def __init__(self, array, negative=False, conjugate=False):
        super().__init__(array)
        self.negative, self.conjugate = negative, conjugate
        self.dtype = array.dtype

    def is_neg(self):
        return self.negative

    def is_conj(self):
        return self.conjugate

    def resolve_neg(self):
        return Tensor(-self.array if self.negative else self.array)

    def resolve_conj(self):
        return LazyTensor(self.array.conj() if self.conjugate else self.array, self.negative)


def test_negated_and_conjugated_tensors_are_read_as_what_they_are():
    values = np.array([[1.0, -2.0], [3.0, 0.0]], np.float32)
    np.testing.assert_array_equal(as_array(LazyTensor(values, negative=True), "a"), -values)
    assert np.shares_memory(as_array(LazyTensor(values), "a"), values)
    masks = sc.Masks.from_dense(LazyTensor(values, negative=True), threshold=0.0)
    assert masks == sc.Masks.from_dense(-values, threshold=0.0)
    both = values + 1j * values.T
    read = as_array(LazyTensor(both, negative=True, conjugate=True), "a")
    np.testing.assert_array_equal(read, -both.conj())


@pytest.mark.parametrize("bits", [{"negative": True}, {"conjugate": True}])
def test_negated_and_conjugated_outputs_are_refused(bits):
    out = np.zeros((1, 2, 2), np.complex64)
    masks = sc.Masks([0], [0, 1], (2, 2))
    with pytest.raises(TypeError, match=r"out: .* lazily (negated|conjugated); pass the result of"):
        masks.to_dense(out=LazyTensor(out, **bits))
    assert not out.any()


MASKED = np.ma.array(np.ones((2, 2), int), mask=[[True, False], [False, False]])


@pytest.mark.parametrize(
    "call",
    [
        sc.Masks.from_dense,
        lambda value: sc.Masks.from_dense([value, value]),
        sc.Masks.from_label_map,
        lambda value: sc.Masks.from_boxes(np.ma.vstack([value, value]).reshape(2, 4), (2, 2)),
        lambda value: sc.nms(sc.Masks([0], [0, 1], (2, 2)), value[0, :1], 0.5),
        lambda value: sc.overlap_table(value, value),
    ],
)
def test_masked_elements_are_refused(call):
    with pytest.raises(TypeError, match=r"without masked elements; fill them first"):
        call(MASKED)
    call(np.ma.array(MASKED.data.astype(np.uint8)))


def test_masked_outputs_are_refused():
    masks = sc.Masks([0], [0, 1], (2, 2))
    with pytest.raises(TypeError, match="out: expected an array to write into, got a masked array"):
        masks.to_dense(out=np.ma.zeros((1, 2, 2)))


def test_lists_of_integers_beyond_int64():
    values = [1, 2**63, 2**64 - 1]
    assert as_integers(values, "ids").tolist() == values
    with pytest.raises(
        ValueError, match=r"ids: .* 9223372036854775808 does not fit into int64, and -1 does"
    ):
        as_integers([-1, 2**63], "ids")


@pytest.mark.parametrize(
    "values", [[np.uint64(2**53), np.int64(2**53 + 1)], [2**53, np.uint64(2**53 + 1)]]
)
def test_lists_of_signed_and_unsigned_integers_are_not_rounded(values: list[int]) -> None:
    """NumPy makes float64 of them."""
    masks = sc.Masks.from_boxes([[0, 0, 10, 10], [0, 0, 10, 9]], (20, 20))
    assert sc.nms(masks, values, 0.5).tolist() == [1]
    assert sc.nms(masks, [0.9, 0.8], 0.5, class_ids=values).tolist() == [0, 1]
    assert np.unique(sc.compose_semantic(masks, values)).tolist() == [0, 2**53, 2**53 + 1]
