"""Panoptic maps: the rules, who judges by them, and what comes out."""

from segcore.panoptic.compose import compose_panoptic
from segcore.panoptic.result import Panoptic
from segcore.panoptic.rules import PRESETS, PanopticRules

__all__ = ["PRESETS", "Panoptic", "PanopticRules", "compose_panoptic"]
