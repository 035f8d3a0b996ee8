"""Diagnosis of predictions: the wrong pixels of each object, by cause."""

from segcore.diagnosis.causes import CAUSES, Cause
from segcore.diagnosis.compare import ImageMasks, diagnose, diagnose_images
from segcore.diagnosis.match import KINDS
from segcore.diagnosis.mending import Mended, MendedPrecision, mend
from segcore.diagnosis.result import Diagnosis, Finding

__all__ = [
    "CAUSES",
    "KINDS",
    "Cause",
    "Diagnosis",
    "Finding",
    "ImageMasks",
    "Mended",
    "MendedPrecision",
    "diagnose",
    "diagnose_images",
    "mend",
]
