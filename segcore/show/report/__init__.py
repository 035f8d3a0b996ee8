"""One HTML file that shows masks, and what a prediction did to them."""

from segcore.show.report.page import Class, Objects, Picture, write_page

__all__ = ["Class", "Objects", "Picture", "write_page"]
