"""Comparison of JSON documents."""

from __future__ import annotations


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
