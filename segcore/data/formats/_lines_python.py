"""Twin of the compiled functions for lines of numbers, for installations without a compiler."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Counts = NDArray[np.int64]

_NUMBERS = re.compile(
    rb"(?:[ \t\r\n]*+-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][-+]?[0-9]++)?(?![^ \t\r\n]))*+"
    rb"[ \t\r\n]*+"
)


def read_number_lines(texts: list[bytes]) -> tuple[Numbers, Counts, Counts] | None:
    """Parse the numbers of many texts.

    Parameters
    ----------
    texts : list of bytes
        Lines of numbers, which are written as in JSON. Blank lines are skipped.

    Returns
    -------
    values, line_lengths, text_lines : numpy.ndarray or None
        All numbers, float64; how many each line has, and how many lines each text has, int64. None
        if something is not a finite number.
    """
    if not all(map(_NUMBERS.fullmatch, texts)):
        return None
    lines = [[line.split() for line in text.split(b"\n") if line.strip()] for text in texts]
    words = [word for text in lines for line in text for word in line]
    values = np.array([float(word) for word in words], np.float64)
    if not np.isfinite(values).all():
        return None
    lengths = [len(line) for text in lines for line in text]
    return values, np.array(lengths, np.int64), np.array([len(text) for text in lines], np.int64)


def write_ring_lines(
    classes: Counts,
    coordinates: Numbers,
    starts: Counts,
    lengths: Counts,
    height: int,
    width: int,
    decimals: int,
    kept: int,
) -> tuple[bytes, Counts, NDArray[np.bool_]]:
    """Write a line per ring: its class, and its coordinates divided by the sides of the image.

    Parameters
    ----------
    classes : numpy.ndarray
        Class of each ring: int64, shape (N,).
    coordinates : numpy.ndarray
        x0 y0 x1 y1 ... of the rings, in pixels: float64, 1-D.
    starts, lengths : numpy.ndarray
        Where each ring starts in `coordinates`, and how many values it has: int64, shape (N,).
    height, width : int
        Size of the image.
    decimals : int
        Number of decimals that are written.
    kept : int
        Number of decimals of a pixel to which a reader rounds.

    Returns
    -------
    text : bytes
        The lines. That of a ring that leaves the image is empty.
    ends : numpy.ndarray
        End of each line in `text`: int64, shape (N,).
    is_exact : numpy.ndarray
        Whether a reader gets exactly these coordinates: bool, shape (N,).
    """
    sides = np.array([width, height], np.float64)
    lines, is_exact = [], np.zeros(len(classes), np.bool_)
    rows = zip(classes.tolist(), starts.tolist(), lengths.tolist(), strict=True)
    for index, (number, start, length) in enumerate(rows):
        points = coordinates[start : start + length].reshape(-1, 2)
        if not ((points >= 0) & (points <= sides)).all():
            lines.append(b"")
            continue
        digits = np.rint(points / sides * 10.0**decimals)
        read_back = np.round(digits / 10.0**decimals * sides, kept)
        is_exact[index] = np.array_equal(read_back, points)
        shares = (divmod(int(value), 10**decimals) for value in digits.ravel().tolist())
        words = "".join(f" {whole}.{part:0{decimals}}" for whole, part in shares)
        lines.append(f"{number}{words}\n".encode())
    ends = np.cumsum(np.array([len(line) for line in lines], np.int64))
    return b"".join(lines), ends, is_exact
