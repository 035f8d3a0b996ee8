"""Formats of other tools, one module per format, each with ``read`` and ``write``.

``read(path, dataset, *, skip_invalid, progress)`` returns a `Dataset`, and ``write(dataset,
outputs, path, progress=)`` a `WriteReport`. `panoptic` only writes: `segcore.data.coco`
reads. The modules whose names start with an underscore are shared:

- ``_builder``: collects what a reader finds, and makes the data set of it;
- ``_account``: gives a writer the masks of each image, and notes what it does not keep;
- ``_rings``: polygons as single rings;
- ``_lines_python``, ``_rings_python``: what ``src/json`` has, without a compiler;
- ``_images``: sizes of image files, PNG label maps, colors.
"""
