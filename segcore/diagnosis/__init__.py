"""Diagnosis of predictions: the wrong pixels of each object, by cause."""

from segcore.diagnosis.causes import CAUSES, Cause
from segcore.diagnosis.compare import diagnose
from segcore.diagnosis.match import KINDS
from segcore.diagnosis.mending import Mended, MendedPrecision, mend
from segcore.diagnosis.result import Diagnosis, Finding

__all__ = [
    "CAUSES",
    "KINDS",
    "Cause",
    "Diagnosis",
    "Finding",
    "Mended",
    "MendedPrecision",
    "diagnose",
    "mend",
]
