"""Formats of other tools, one module per format, each with ``read`` and ``write``.

``read(path, dataset, *, skip_invalid, progress)`` returns a `Dataset`, and ``write(dataset,
outputs, path, progress=)`` a `WriteReport`. `panoptic` only writes: `segcore.data.coco`
reads. The modules whose names start with an underscore are shared:

- ``_builder``: collects what a reader finds, and makes the data set of it;
- ``_account``: gives a writer the masks of each image, and notes what it does not keep;
- ``_rings``: polygons as text and as single rings;
- ``_images``: sizes of image files, PNG label maps, colors.
"""
