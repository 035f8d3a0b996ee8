"""``pycocotools.coco``: annotations of a COCO file, by id."""

from __future__ import annotations

import copy
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.compat.pycocotools import mask

__all__ = ["COCO"]

Record = dict[str, Any]
Ids = Any
"""An id, or a sequence of ids."""


class COCO:
    """The images, categories and annotations of a COCO file, as lists and dicts.

    The attributes and methods are those of ``pycocotools.coco.COCO``, with the same results.
    :func:`segcore.data.read` reads larger files in less time and memory.

    Parameters
    ----------
    annotation_file : str, optional
        Path of a COCO file.

    Attributes
    ----------
    dataset : dict
        The contents of the file.
    anns, cats, imgs : dict
        Annotations, categories and images by id.
    imgToAnns : dict
        Image id to a list of its annotations.
    catToImgs : dict
        Category id to the image id of each of its annotations.

    Examples
    --------
    >>> from segcore.compat.pycocotools.coco import COCO
    >>> coco = COCO("instances_val2017.json")  # doctest: +SKIP
    >>> coco.annToMask(coco.loadAnns(coco.getAnnIds(imgIds=139))[0]).shape  # doctest: +SKIP
    (426, 640)
    """

    def __init__(self, annotation_file: str | None = None) -> None:
        self.dataset: Record = {}
        self.anns: dict[Any, Record] = {}
        self.cats: dict[Any, Record] = {}
        self.imgs: dict[Any, Record] = {}
        self.imgToAnns: dict[Any, list[Record]] = defaultdict(list)
        self.catToImgs: dict[Any, list[Any]] = defaultdict(list)
        if annotation_file is not None:
            print("loading annotations into memory...")
            dataset = _load(annotation_file)
            if type(dataset) is not dict:
                raise AssertionError(f"annotation file format {type(dataset)} not supported")
            print("Done")
            self.dataset = dataset
            self.createIndex()

    def createIndex(self) -> None:
        """Fill the dicts from `dataset`."""
        print("creating index...")
        self.anns, self.cats, self.imgs = (
            {record["id"]: record for record in self.dataset.get(name, ())}
            for name in ("annotations", "categories", "images")
        )
        self.imgToAnns, self.catToImgs = defaultdict(list), defaultdict(list)
        for annotation in self.dataset.get("annotations", ()):
            self.imgToAnns[annotation["image_id"]].append(annotation)
            if "categories" in self.dataset:
                self.catToImgs[annotation["category_id"]].append(annotation["image_id"])
        print("index created!")

    def info(self) -> None:
        """Print the ``info`` of the file."""
        for key, value in self.dataset["info"].items():
            print(f"{key}: {value}")

    # -- selection --------------------------------------------------------------------------------

    def getAnnIds(
        self,
        imgIds: Ids = (),
        catIds: Ids = (),
        areaRng: Sequence[float] = (),
        iscrowd: bool | None = None,
    ) -> list[Any]:
        """Return the ids of annotations of any of the images and any of the categories.

        Parameters
        ----------
        imgIds, catIds : id or sequence of ids
            Images and categories; all of them if empty.
        areaRng : sequence of two floats
            Range of the area, limits excluded; any area if empty.
        iscrowd : bool, optional
            Whether to return crowds or the other annotations. Default: both.

        Returns
        -------
        list
            Ids by image, in the order of `imgIds`; in the order of the file if that is empty.
        """
        images, categories = _as_list(imgIds), _as_list(catIds)
        found: Iterable[Record] = self.dataset["annotations"]
        if len(images):
            found = chain.from_iterable(self.imgToAnns.get(image, ()) for image in images)
        if len(categories):
            wanted = set(categories)
            found = (annotation for annotation in found if annotation["category_id"] in wanted)
        if len(areaRng):
            low, high = areaRng
            found = (annotation for annotation in found if low < annotation["area"] < high)
        if iscrowd is not None:
            found = (annotation for annotation in found if annotation["iscrowd"] == iscrowd)
        return [annotation["id"] for annotation in found]

    def getCatIds(self, catNms: Any = (), supNms: Any = (), catIds: Ids = ()) -> list[Any]:
        """Return the ids of categories with any of the names, supercategories and ids.

        Parameters
        ----------
        catNms, supNms, catIds
            Names, supercategories and ids, each a single value or a sequence; any if empty.

        Returns
        -------
        list
            Ids in the order of the file.
        """
        found = self.dataset["categories"]
        for key, values in (("name", catNms), ("supercategory", supNms), ("id", catIds)):
            # As in pycocotools, a string is a sequence, within which names are searched.
            wanted = values if _is_sequence(values) else [values]
            if len(wanted):
                found = [category for category in found if category[key] in wanted]
        return [category["id"] for category in found]

    def getImgIds(self, imgIds: Ids = (), catIds: Ids = ()) -> list[Any]:
        """Return the ids of images that have annotations of all of the categories.

        Parameters
        ----------
        imgIds, catIds : id or sequence of ids
            Images and categories; any if empty.

        Returns
        -------
        list
            Ids in the order of the file if both are empty; otherwise, in any order.
        """
        images, categories = _as_list(imgIds), _as_list(catIds)
        if not len(images) and not len(categories):
            return list(self.imgs)
        found = set(images)
        for index, category in enumerate(categories):
            with_category = set(self.catToImgs[category])
            found = with_category if index == 0 and not found else found & with_category
        return list(found)

    def loadAnns(self, ids: Ids = ()) -> list[Record]:
        """Return the annotations with these ids."""
        return [self.anns[annotation] for annotation in _as_list(ids)]

    def loadCats(self, ids: Ids = ()) -> list[Record]:
        """Return the categories with these ids."""
        return [self.cats[category] for category in _as_list(ids)]

    def loadImgs(self, ids: Ids = ()) -> list[Record]:
        """Return the images with these ids."""
        return [self.imgs[image] for image in _as_list(ids)]

    # -- results ----------------------------------------------------------------------------------

    def loadRes(self, resFile: str | list[Record] | NDArray[Any]) -> COCO:
        """Return the results of a model for the images of this data set.

        Parameters
        ----------
        resFile : str, list of dict or numpy.ndarray
            Path of a file of results, the list of results itself, or an array of boxes as in
            :meth:`loadNumpyAnnotations`. The dicts get the keys ``id`` (from 1), ``area``,
            ``bbox`` and ``iscrowd``.

        Returns
        -------
        COCO
            The results as annotations.

        Raises
        ------
        AssertionError
            If the results are not a list, or one is of another image.
        """
        results: Any = resFile
        print("Loading and preparing results...")
        if isinstance(resFile, str):
            results = _load(resFile)
        elif isinstance(resFile, np.ndarray):
            results = self.loadNumpyAnnotations(resFile)
        if type(results) is not list:
            raise AssertionError("results in not an array of objects")
        images = {result["image_id"] for result in results}
        if not images <= self.imgs.keys():
            raise AssertionError("Results do not correspond to current coco set")
        loaded = COCO()
        loaded.dataset["info"] = copy.deepcopy(self.dataset.get("info", {}))
        loaded.dataset["images"] = list(self.dataset["images"])
        if results and "caption" in results[0]:
            kept = [image for image in loaded.dataset["images"] if image["id"] in images]
            loaded.dataset["images"] = kept
        else:
            loaded.dataset["categories"] = copy.deepcopy(self.dataset["categories"])
        _complete(results)
        print("DONE")
        loaded.dataset["annotations"] = results
        loaded.createIndex()
        return loaded

    def loadNumpyAnnotations(self, data: NDArray[Any]) -> list[Record]:
        """Convert boxes to results.

        Parameters
        ----------
        data : numpy.ndarray
            Shape (N, 7): image id, x, y, width, height, score, category id.

        Returns
        -------
        list of dict
            N results with ``image_id``, ``bbox``, ``score`` and ``category_id``.
        """
        print("Converting ndarray to lists...")
        if data.ndim != 2 or data.shape[1] != 7:
            raise AssertionError(f"expected an array of shape (N, 7), got {data.shape}")
        return [
            {
                "image_id": int(row[0]),
                "bbox": list(row[1:5]),
                "score": row[5],
                "category_id": int(row[6]),
            }
            for row in data
        ]

    # -- masks ------------------------------------------------------------------------------------

    def annToRLE(self, ann: Record) -> Record:
        """Return the RLE of an annotation, the union of its polygons.

        Parameters
        ----------
        ann : dict
            Annotation with ``image_id`` and ``segmentation``: polygons, or an RLE dict.

        Returns
        -------
        dict
            RLE with compressed counts.
        """
        segmentation = ann["segmentation"]
        if type(segmentation) is list or type(segmentation["counts"]) is list:
            image = self.imgs[ann["image_id"]]
            rle = mask.frPyObjects(segmentation, image["height"], image["width"])
            segmentation = mask.merge(rle) if type(segmentation) is list else rle
        result: Record = segmentation
        return result

    def annToMask(self, ann: Record) -> NDArray[np.uint8]:
        """Return the mask of an annotation: uint8, shape (H, W)."""
        return mask.decode(self.annToRLE(ann))

    # -- display ----------------------------------------------------------------------------------

    def showAnns(self, anns: list[Record], draw_bbox: bool = False) -> int | None:
        """Draw annotations on the current axes of Matplotlib, or print captions.

        Parameters
        ----------
        anns : list of dict
            Annotations with ``segmentation``, ``keypoints`` or ``caption``.
        draw_bbox : bool, default False
            Whether to draw the boxes, too.

        Returns
        -------
        0 or None
            0 if there are no annotations.

        Raises
        ------
        ImportError
            If Matplotlib is not installed.
        """
        if not anns:
            return 0
        if "segmentation" in anns[0] or "keypoints" in anns[0]:
            from segcore.compat._axes import draw

            draw(self, anns, draw_bbox)
        elif "caption" in anns[0]:
            for annotation in anns:
                print(annotation["caption"])
        else:
            raise ValueError('expected annotations with "segmentation", "keypoints" or "caption"')
        return None

    def download(self, tarDir: str | None = None, imgIds: Ids = ()) -> None:
        """Raise NotImplementedError: segcore does not use the network.

        The address of each image is its ``coco_url``.
        """
        raise NotImplementedError(
            'segcore does not download images; their addresses are in loadImgs(...)[i]["coco_url"]'
        )


def _load(path: str) -> Any:
    with open(path) as file:
        return json.load(file)


def _is_sequence(value: Any) -> bool:
    return hasattr(value, "__iter__") and hasattr(value, "__len__")


def _as_list(ids: Ids) -> Any:
    return ids if _is_sequence(ids) else [ids]


def _complete(results: list[Record]) -> None:
    """Add what annotations have and results lack. The first result tells what kind they are."""
    first = results[0] if results else {}
    kinds = "caption", "bbox", "segmentation", "keypoints"
    kind = next((name for name in kinds if name in first and len(first[name])), None)
    for number, result in enumerate(results, 1):
        if kind == "bbox":
            x, y, width, height = result["bbox"]
            if "segmentation" not in result:
                right, bottom = x + width, y + height
                result["segmentation"] = [[x, y, x, bottom, right, bottom, right, y]]
            result["area"] = width * height
            result["iscrowd"] = 0
        elif kind == "segmentation":
            result["area"] = mask.area(result["segmentation"])
            if "bbox" not in result:
                result["bbox"] = mask.toBbox(result["segmentation"])
            result["iscrowd"] = 0
        elif kind == "keypoints":
            x, y = result["keypoints"][0::3], result["keypoints"][1::3]
            left, right, top, bottom = np.min(x), np.max(x), np.min(y), np.max(y)
            result["area"] = (right - left) * (bottom - top)
            result["bbox"] = [left, top, right - left, bottom - top]
        result["id"] = number
