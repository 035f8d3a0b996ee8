"""What went wrong with a prediction, object by object, in pixels and by cause."""

from segcore.diagnosis.causes import CAUSES, Cause
from segcore.diagnosis.compare import diagnose
from segcore.diagnosis.result import Diagnosis, Finding

__all__ = ["CAUSES", "Cause", "Diagnosis", "Finding", "diagnose"]
