"""How Sphinx makes the user guide and the API reference; `nox -s docs` runs it."""

import re

from segcore import __version__

project = "segcore"
author = copyright = "segcore developers"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
exclude_patterns = ["_build"]
smartquotes = False  # what is quoted is often code
highlight_language = "none"  # of blocks that name no language
html_theme = "furo"
html_title = f"segcore {release}"
html_static_path = ["_static"]
html_css_files = ["width.css"]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3  # headings can be linked to, as on a repository's own pages

autodoc_mock_imports = ["torch", "torchmetrics"]
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # docstrings say what arguments are, and more than a type can
numpydoc_show_class_members = False  # :members: lists them

# A reference to a name that the reference does not hold is an error.
nitpicky = True


def link_to_pages(source):
    """Documents of the repository's root are pages here."""
    names = r"\]\((?:\.\./)?(CHANGELOG|CONTRIBUTING|SECURITY)\.md"
    source[0] = re.sub(names, lambda found: f"]({found[1].lower()}.md", source[0])


def setup(app):
    app.connect("source-read", lambda app, name, source: link_to_pages(source))
    app.connect("include-read", lambda app, path, name, source: link_to_pages(source))
