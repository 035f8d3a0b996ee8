"""Small COCO documents with what is rare, and their comparison."""

from __future__ import annotations

import io
import json

from hypothesis import strategies as st

from segcore.data.coco import writing


def assert_same_json(got, expected, where="document"):
    """Compare values, their types, and the order of members."""
    assert type(got) is type(expected), where
    if isinstance(expected, dict):
        assert list(got) == list(expected), where
        for name, value in expected.items():
            assert_same_json(got[name], value, f"{where}.{name}")
    elif isinstance(expected, list):
        assert len(got) == len(expected), where
        for i, (one, other) in enumerate(zip(got, expected, strict=True)):
            assert_same_json(one, other, f"{where}[{i}]")
    else:
        assert repr(got) == repr(expected), where


def written(dataset, document):
    """Write a data set as the kind of file that the document is, and read that with json."""
    file = io.BytesIO()
    write = writing.write_results if isinstance(document, list) else writing.write_instances
    write(dataset, file)
    return json.loads(file.getvalue())


IMAGE = {"id": 1, "file_name": "a.jpg", "height": 4, "width": 6}
SQUARE = [[1, 1, 5, 1, 5, 3, 1, 3]]


def document(*annotations, **members):
    return {
        "images": [IMAGE],
        "categories": [{"id": 3, "name": "sofa", "supercategory": "furniture"}],
        "annotations": [{"image_id": 1, "category_id": 3, **a} for a in annotations],
        **members,
    }


STRANGE = [
    {"id": 1, "segmentation": SQUARE},
    {"id": 2, "segmentation": [[1.0, 1, 5.5, 1e0, 5, 3, 1, 3], [0, 0, 1, 0, 1, 1]], "area": 8.0},
    {"id": 3, "segmentation": {"size": [4, 6], "counts": [24]}, "iscrowd": True},
    {"id": 4, "segmentation": {"counts": "52203", "size": [4, 6]}, "iscrowd": None, "score": 1},
    {"id": 5, "segmentation": [{"size": [4, 6], "counts": [24]}], "bbox": [0, 0.5, 1e300, -0.0]},
    {"id": 6, "segmentation": [[1, 2, 3, 4]], "bbox": [], "area": 10**40},
    {"id": 7, "segmentation": None, "note": 'caf\u00e9 "\\ \U0001f600 \ud800 \x7f', "bbox": None},
    {"id": 8, "segmentation": "none", "score": float("inf"), "area": None},
    {"id": 9, "segmentation": [], "x": {"a": [1, [2, {"b": None}]]}, "y": [], "score": 5e-324},
    {"id": 10.0, "deep": {"\u00e9\n": 1.5}, "area": 0.1, "score": 1e22, "bbox": [1, 2, 3, 10**17]},
]


# -- any annotation, for Hypothesis ----------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda values: (
        st.lists(values, max_size=4) | st.dictionaries(st.text(max_size=4), values, max_size=4)
    ),
    max_leaves=8,
)
MEASURE = st.floats(0, 1e300) | st.integers(0, 10**300)
ANNOTATION = st.fixed_dictionaries(
    {},
    optional={
        "segmentation": JSON
        | st.just(SQUARE)
        | st.lists(st.lists(st.floats() | st.integers(), max_size=9), max_size=3),
        "area": st.none() | MEASURE,
        "bbox": st.none() | st.just([]) | st.lists(MEASURE, min_size=4, max_size=4),
        "caption": JSON,
        "": JSON,
    },
)


def area_and_writeable(dataset, image):
    """Tell the first area of an image, and whether columns are writeable.

    A started process finds this module, as it does not find the tests themselves.
    """
    return int(dataset[image].masks.area[0]), dataset.annotations["id"].flags.writeable
