"""A report: one HTML file that shows masks and compares predictions with them."""

from segcore.show.report.evaluation import Evaluation
from segcore.show.report.images import PageFolder
from segcore.show.report.objects import Class, Objects, PageImage
from segcore.show.report.page import write_page

__all__ = ["Class", "Evaluation", "Objects", "PageFolder", "PageImage", "write_page"]
