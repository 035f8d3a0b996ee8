"""Text for people: counts with their nouns, and control characters made visible."""

from __future__ import annotations

import json
import re

# Control characters (C0, DEL, C1), characters that no font draws, bidirectional overrides, line
# and paragraph separators, surrogates without their other half, and tags. Not the newline.
_HIDDEN = (
    "\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff"
)
_IN_LINES = re.compile(f"[{_HIDDEN}]")
_IN_TEXT = re.compile(f"[\n{_HIDDEN}]")


def counted(count: int, noun: str) -> str:
    """Return a count and its noun, in the singular or the plural.

    Parameters
    ----------
    count : int
        The count. It is written with thousands separators.
    noun : str
        The noun in the singular.

    Examples
    --------
    >>> from segcore._text import counted
    >>> counted(1, "image"), counted(1200, "image"), counted(2, "category"), counted(2, "class")
    ('1 image', '1,200 images', '2 categories', '2 classes')
    """
    return f"{count:,} {noun if count == 1 else _plural(noun)}"


def _plural(noun: str) -> str:
    if noun.endswith("y"):
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith("s") else "s")


def visible(text: str, keep_lines: bool = False) -> str:
    r"""Escape the characters of a text that terminals and browsers interpret or hide.

    Parameters
    ----------
    text : str
        Any text, such as a file name or the name of a category.
    keep_lines : bool, default False
        Leave newlines as they are.

    Returns
    -------
    str
        The text with control characters, invisible characters, bidirectional overrides, line
        separators and lone surrogates escaped as in JSON (``\n``, ``\u001b``, ``\u202e``). It can
        be encoded as UTF-8. An escaped JSON document has the same value, since such characters
        occur in its strings only.

    Examples
    --------
    >>> from segcore._text import visible
    >>> print(visible("cat\x1b[31m\n"))
    cat\u001b[31m\n
    """
    return escaped(text, _IN_LINES if keep_lines else _IN_TEXT)


def escaped(text: str, characters: re.Pattern[str]) -> str:
    r"""Escape the characters of a text that match a pattern, as in JSON.

    Examples
    --------
    >>> import re
    >>> from segcore._text import escaped
    >>> print(escaped("left\nright", re.compile("\n")))
    left\nright
    """
    return characters.sub(lambda match: json.dumps(match[0])[1:-1], text)
