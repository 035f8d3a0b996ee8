"""Photograph the pages that segcore writes of the demo's room, for the README and the guide.

python docs/images/page.py        (needs segcore, Playwright, and Chromium on the PATH)
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

import segcore

SCENES = Path(segcore.__file__).parent / "cli" / "scenes"
IMAGES = Path(__file__).parent


def main() -> None:
    """Write what went wrong with the room, and write page.png, evaluation.png and worst.png."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        compared = written(Path(folder) / "compared.html", "compare")
        page = browser.new_page(viewport={"width": 1280, "height": 780})
        page.goto(compared)
        page.get_by_role("button", name="Causes").click()
        page.locator("#objects button", has_text="sofa").click()
        save(page, "page.png")
        evaluated = written(Path(folder) / "evaluated.html", "evaluate", "instances")
        page = browser.new_page(viewport={"width": 1080, "height": 830})
        page.goto(f"{evaluated}#tab=causes")
        save(page, "evaluation.png", colors=160)
        page = browser.new_page(viewport={"width": 1080, "height": 780})
        page.goto(f"{evaluated}#tab=objects")
        page.wait_for_function("[...document.querySelectorAll('canvas')].at(3).width > 1")
        page.wait_for_timeout(500)
        save(page, "worst.png", colors=96)
        browser.close()


def written(target: Path, *command: str) -> str:
    """Write a page of the room with a command, and return its address."""
    scene = [str(SCENES / name) for name in ("room.json", "room-prediction.json")]
    words = [sys.executable, "-m", "segcore.cli", *command, *scene, "--html", str(target)]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    return target.as_uri()


def save(page: Page, name: str, **quantized: Any) -> None:
    """Write a screenshot, with a palette of some colors if given."""
    with Image.open(io.BytesIO(page.screenshot())) as image:
        shown = image.convert("RGB")
        if quantized:
            shown = shown.quantize(**quantized, dither=Image.Dither.NONE)
        shown.save(IMAGES / name, optimize=True)


if __name__ == "__main__":
    main()
