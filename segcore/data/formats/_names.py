"""Names of categories as formats can have them: all different, and none empty."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, count
from typing import Any

from segcore._text import escaped

_SURROGATES = re.compile("[\ud800-\udfff]")
_RETURN = re.compile("\r")


def utf8_name(name: str) -> str:
    """Return a name without halves of characters, which no file in UTF-8 has."""
    return escaped(name, _SURROGATES)


def csv_name(name: str) -> str:
    """Return a name as programs read it from CSV: in some, a carriage return ends a row."""
    return escaped(name, _RETURN)


def distinct_names(
    names: Sequence[str], ids: Iterable[Any], writable: Callable[[str], str] = str
) -> list[str]:
    """Return a name for each category that a format can write, and that no other category has.

    Parameters
    ----------
    names : sequence of str
        Their names.
    ids : iterable of int or str
        Their ids. A name that is empty or repeated gets the id at its end, and a number if other
        categories have that name, too.
    writable : callable, optional
        Function that returns a name as the format reads it.

    Examples
    --------
    >>> from segcore.data.formats._names import distinct_names
    >>> distinct_names(["a", "a", "a 1", ""], [1, 2, 3, 4])
    ['a 1 2', 'a 2', 'a 1', '4']
    """
    found = [writable(name) for name in names]
    counts = Counter(found)
    is_kept = [bool(name) and counts[name] == 1 for name in found]
    taken = {name for name, kept in zip(found, is_kept, strict=True) if kept}
    for index, category_id in enumerate(ids):
        if not is_kept[index]:
            ends = chain([f"{category_id}"], (f"{category_id} {number}" for number in count(2)))
            candidates = (writable(f"{found[index]} {end}".strip()) for end in ends)
            found[index] = next(name for name in candidates if name and name not in taken)
            taken.add(found[index])
    return found
