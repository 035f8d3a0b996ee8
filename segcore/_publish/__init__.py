"""Publish output files: all of them when the work is done, or none.

Outputs are declared first, so an unusable output is refused before the work starts. Files are
written into a *stage*, a hidden folder on the target's file system, and are renamed into place when
the ``with`` block ends without an error:

    with publish(protect=["instances.json"]) as outputs:
        page = outputs.file("page.html")
        maps = outputs.folder("maps", names=["a.png", "sub/b.png"])
        ...
        with maps.open("a.png") as file:
            file.write(data)

Guarantees:

- An error, Ctrl-C or a signal with a Python handler leaves all files unchanged. If a rename fails,
  it and all renames before it are undone. Signals are held back until the renames are done or
  undone.
- If the process is killed, every file is complete, either old or new. A single file, or a folder
  that did not exist, appears in one rename. A process that is killed between the renames of several
  outputs leaves some old and some new.
- Files are flushed to the disk before the first rename, and their folders after the last, so the
  same holds for a power failure.
- The stage of a killed process remains. Its name starts with ``.segcore-``, and the next run that
  writes beside it removes it.
"""

from segcore._publish.errors import OutputError, OutputExistsError
from segcore._publish.files import is_replaceable
from segcore._publish.outputs import OutputFile, OutputFolder, Outputs, publish
from segcore._publish.writer import FolderWriter

__all__ = [
    "FolderWriter",
    "OutputError",
    "OutputExistsError",
    "OutputFile",
    "OutputFolder",
    "Outputs",
    "is_replaceable",
    "publish",
]
