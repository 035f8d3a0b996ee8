"""Write one HTML file that shows masks, and compares predictions with them."""

from segcore.show.report.page import Class, Objects, Picture, write_page

__all__ = ["Class", "Objects", "Picture", "write_page"]
