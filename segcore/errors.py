"""Errors that concern one mask or object of a batch."""

from __future__ import annotations

from typing import Any

__all__ = ["MaskError", "MaskTypeError"]


class _ItemError(Exception):
    """Base of the errors that name an item; see `MaskError`."""

    def __init__(
        self,
        index: int,
        detail: str,
        argument: str = "mask",
        label: str | None = None,
        position: int | None = None,
    ) -> None:
        self.index = index
        self.detail = detail
        self.argument = argument
        self.label = f"{argument} {index}" if label is None else label
        self.position = position
        super().__init__(f"{self.label}: {detail}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the parts rather than the message."""
        return type(self), (self.index, self.detail, self.argument, self.label, self.position)


class MaskError(_ItemError, ValueError):
    """Exception for a mask, or another item of a list or array, that has an invalid value.

    It is a subclass of :class:`ValueError`. The message is ``f"{label}: {detail}"``.

    Attributes
    ----------
    index : int
        Index of the item in the list or array that was passed.
    argument : str
        Kind of the item: "mask", "object" (an item of a list of objects), "ring", "box" and so on.
    detail : str
        What is wrong, without the name of the item.
    label : str
        Name of the item in the message: `argument` and `index`, and the annotation id if the object
        has one.
    position : int or None
        Index of the invalid character, run or coordinate within the item; None if the error
        concerns the item as a whole.

    See Also
    --------
    MaskTypeError : Exception for an item of the wrong type.

    Examples
    --------
    >>> import segcore as sc
    >>> try:
    ...     sc.Masks.from_coco([{"size": [2, 3], "counts": [1, 9]}])
    ... except sc.MaskError as error:
    ...     print(error.index, error.detail)
    0 runs 0 to 1 sum to 10, but size (2, 3) has 6 pixels
    """

    __module__ = "segcore"


class MaskTypeError(_ItemError, TypeError):
    """Exception for a mask, or another item of a list or array, that has the wrong type.

    It is a subclass of :class:`TypeError` and has the same attributes as :class:`MaskError`:
    ``index``, ``argument``, ``detail``, ``label`` and ``position``.
    """

    __module__ = "segcore"


ItemError = MaskError | MaskTypeError


def located(
    error: Exception, index: int, argument: str = "object", label: str | None = None
) -> ItemError:
    """Return the error for item `index` of a list, with the message of `error` as its detail.

    It is a MaskTypeError if `error` is a TypeError, and a MaskError otherwise.
    """
    detail = str(error)
    if isinstance(error, OverflowError):
        detail = f"a number is too large: {detail}"
    kind = MaskTypeError if isinstance(error, TypeError) else MaskError
    return kind(index, detail, argument, label)
