"""Convert the outputs of other libraries to masks, and masks to the objects of these libraries.

There is one module per library. It reads the library's objects through their public attributes, and
imports the library only when a function needs one of its classes. The exception is
:mod:`segcore.integrations.torchmetrics`, whose metric is a class of TorchMetrics: import it by
itself.
"""

from segcore.integrations import detectron2, huggingface, supervision, torchvision, ultralytics

__all__ = ["detectron2", "huggingface", "supervision", "torchvision", "ultralytics"]
