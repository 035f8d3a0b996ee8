"""Other libraries' outputs to masks, and masks to what those libraries take.

One module a library. Each takes that library's own objects by their public attributes, and imports
nothing of it before a function needs one of its classes.
"""

from segcore.integrations import detectron2, huggingface, supervision, torchvision, ultralytics

__all__ = ["detectron2", "huggingface", "supervision", "torchvision", "ultralytics"]
