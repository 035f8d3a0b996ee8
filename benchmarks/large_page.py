"""Time how long a page of a large data set takes to be written, and to open in Chromium.

    python -m benchmarks.large_page [IMAGES]        (needs Playwright, and Chromium on the PATH)

Each image has seven true objects and six predictions. By default, there are 50,000 images.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, sync_playwright

import segcore as sc
from segcore.show.report import Class, Objects, PageFolder, PageImage, write_page

SIZE = (120, 160)
NUM_OBJECTS = 7
NUM_CLASSES = 80
ROUNDS = 5


def main() -> None:
    """Write the page, and open it several times."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        start = time.process_time()
        path = written(folder, count)
        size = sum(file.stat().st_size for file in folder.rglob("*.*") if file.is_file()) / 1e6
        print(f"written in {time.process_time() - start:.0f} s of processor time, {size:.0f} MB")
        print(f"the page itself: {path.stat().st_size / 1e6:.0f} MB")
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        times = [opened(browser, path, count) for _ in range(ROUNDS)]
        browser.close()
    print(f"open with the worst objects listed: {min(times):.2f} to {max(times):.2f} s")


def written(folder: Path, count: int) -> Path:
    """Write a page of random boxes, and return its path."""
    rng = np.random.default_rng(0)

    def image(index: int) -> PageImage:
        corners = rng.integers(0, 100, (NUM_OBJECTS, 2))
        sizes = rng.integers(8, 40, (NUM_OBJECTS, 2))
        moved = corners + rng.integers(-3, 4, (NUM_OBJECTS, 2))
        masks = [
            sc.Masks.from_boxes(np.concatenate([low, low + sizes], axis=1).astype(float), SIZE)
            for low in (corners, moved)
        ]
        classes = rng.integers(0, NUM_CLASSES, NUM_OBJECTS)
        ids: list[int | str] = list(range(NUM_OBJECTS))
        truth = Objects(masks[0], classes, ids)
        found = Objects(masks[1][:-1], classes[:-1], ids[:-1], rng.random(NUM_OBJECTS - 1))
        return PageImage(f"{index:06}.jpg", truth, found)

    path = folder / "page.html"
    classes = [Class(f"class {i}") for i in range(NUM_CLASSES)]
    images = (image(i) for i in range(count))
    with path.open("wb") as file:
        files = PageFolder.at(folder / "page_files")
        write_page(file, "A large data set", classes, images, compared=True, folder=files)
    return path


def opened(browser: Browser, path: Path, count: int) -> float:
    """Return the seconds until the worst objects are listed."""
    page = browser.new_page(viewport={"width": 1300, "height": 850})
    start = time.perf_counter()
    page.goto(path.as_uri())
    page.wait_for_selector("#cards li")
    seconds = time.perf_counter() - start
    assert page.locator("#summary").inner_text().startswith(f"{count:,} images")
    page.close()
    return seconds


if __name__ == "__main__":
    main()
