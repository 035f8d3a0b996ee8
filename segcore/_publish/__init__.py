"""Publish output files: all of them when the work is done, or none.

Every output is declared first, so what cannot be written is refused before the work starts. Files
are written into a *stage*, a hidden folder on the target's file system, and are renamed into place
when the ``with`` block ends without an error:

    with publish(protect=["instances.json"]) as outputs:
        page = outputs.file("page.html")
        maps = outputs.folder("maps", names=["a.png", "sub/b.png"])
        ...
        with maps.open("a.png") as file:
            file.write(data)

What holds afterwards:

- An error, Ctrl-C or a signal with a Python handler leaves all files as they were. A rename that
  fails is undone, and so are those before it. Signals wait until the renames are done or undone.
- A killed process leaves whole files, each the old or the new one. A single file, and a folder that
  did not exist, appear in one rename; a process that is killed between the renames of several
  outputs leaves some old and some new.
- Files are flushed to the disk before the first rename, and the folders that they are in after the
  last, so the same is true of a power failure.
- The stage of a killed process stays. Its name starts with ``.segcore-``, and the next run that
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
