"""Photograph the pages that segcore writes of the demo's room, for the README.

python docs/images/page.py        (needs segcore, Playwright, and Chromium on the PATH)
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

import segcore

SCENES = Path(segcore.__file__).parent / "cli" / "scenes"
IMAGES = Path(__file__).parent


def main() -> None:
    """Write what went wrong with the room, and write page.png of it."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        target = Path(folder) / "page.html"
        scene = [str(SCENES / name) for name in ("room.json", "room-prediction.json")]
        command = [sys.executable, "-m", "segcore.cli", "compare", *scene, "--html", str(target)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 780})
        page.goto(target.as_uri())
        page.get_by_role("button", name="Causes").click()
        page.locator("#objects button", has_text="sofa").click()
        with Image.open(io.BytesIO(page.screenshot())) as image:
            image.convert("RGB").save(IMAGES / "page.png", optimize=True)
        browser.close()


if __name__ == "__main__":
    main()
