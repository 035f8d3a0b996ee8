"""A headless browser for pages: Chromium as the system has it, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

PIXELS = """
canvas => {
    const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let text = "";
    for (let i = 0; i < data.length; i += 8192) {
        text += String.fromCharCode(...data.subarray(i, i + 8192));
    }
    return btoa(text);
}
"""


@contextmanager
def browser() -> Iterator[Any]:
    """Start Chromium; skip where it or Playwright is missing, unless SEGCORE_REQUIRE_BROWSER is 1.

    SEGCORE_CHROMIUM says where it is, if it is not on the PATH.
    """
    path = os.environ.get("SEGCORE_CHROMIUM") or shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        sync_playwright = None
    if path is None or sync_playwright is None:
        missing = "Chromium" if path is None else "Playwright"
        if os.environ.get("SEGCORE_REQUIRE_BROWSER", "0") not in ("", "0"):
            pytest.fail(f"{missing} is not installed")
        pytest.skip(f"{missing} is not installed")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@contextmanager
def opened(
    chromium: Any, path: Path, address: str = "#tab=images", **options: Any
) -> Iterator[Any]:
    """Open a page from disk; errors in its scripts and requests to a network fail the test."""
    page = chromium.new_page(viewport={"width": 1400, "height": 900}, **options)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "console",
        lambda message: problems.append(message.text) if message.type == "error" else None,
    )
    page.on(
        "request",
        lambda request: (
            None if request.url.startswith(("file:", "data:")) else problems.append(request.url)
        ),
    )
    page.goto(path.resolve().as_uri() + address)
    yield page
    page.close()
    assert not problems


def pixels_of(page: Any, selector: str = "#masks") -> np.ndarray:
    """Read a canvas: uint8 (H, W, 4)."""
    import base64

    canvas = page.locator(selector)
    height, width = (canvas.evaluate(f"canvas => canvas.{side}") for side in ("height", "width"))
    data = base64.b64decode(canvas.evaluate(PIXELS))
    return np.frombuffer(data, np.uint8).reshape(height, width, 4)
