"""The drop-in for pycocotools in COCOeval, and what patching takes."""

import os
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

from segcore.compat import patch_pycocotools
from segcore.compat.pycocotools import mask as drop_in

from .common import INPUTS, WrongAnswerError, expect
from .evaluation import Evaluation, flat
from .inputs import TEST_DATA

LIBRARIES = ("segcore", "pycocotools")


def functions(library):
    return drop_in if library == "segcore" else pycocotools()


def pycocotools():
    """Import pycocotools; asv leaves out benchmarks that raise NotImplementedError in setup."""
    try:
        return import_module("pycocotools.mask")
    except ModuleNotFoundError as error:
        raise NotImplementedError from error


class CocoEval:
    """COCOeval on 100 images of COCO."""

    params = (LIBRARIES,)
    param_names = ("library",)

    def setup(self, library):
        folder = os.environ.get(TEST_DATA)
        if not folder:
            raise NotImplementedError
        genuine, self.functions = pycocotools(), functions(library)
        self.evaluation = Evaluation(Path(folder), images=20 if INPUTS.quick else None)
        answers = [flat(self.evaluation.compute_ious(each)) for each in (self.functions, genuine)]
        expect(*answers, f"{library}: computeIoU")
        if self.evaluation.strings(self.functions) != self.evaluation.strings(genuine):
            raise WrongAnswerError(f"{library}: frPyObjects, merge are wrong")
        self.calls = self.evaluation.iou_calls()

    def time_iou_calls(self, *_):
        for arguments in self.calls:
            self.functions.iou(*arguments)

    def time_compute_iou(self, *_):
        self.evaluation.compute_ious(self.functions)

    def time_strings(self, *_):
        self.evaluation.strings(self.functions)


class Patch:
    """Patching and undoing, which look through all modules of the process."""

    params = ((0, 2000),)
    param_names = ("further_modules",)

    def setup(self, count):
        pycocotools()
        for place in range(count):
            module = ModuleType(f"further_{place}")
            vars(module).update({f"name_{name}": object() for name in range(100)})
            sys.modules[module.__name__] = module

    def teardown(self, count):
        for place in range(count):
            del sys.modules[f"further_{place}"]

    def time_patch_and_undo(self, _):
        patch_pycocotools().undo()
