"""Write one HTML file that shows masks, and compares predictions with them."""

from segcore.show.report.page import Class, Objects, PageImage, write_page

__all__ = ["Class", "Objects", "PageImage", "write_page"]
