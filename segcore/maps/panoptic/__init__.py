"""Panoptic maps: compositing rules, composition and results."""

from segcore.maps.panoptic.compose import compose_panoptic
from segcore.maps.panoptic.result import Panoptic
from segcore.maps.panoptic.rules import PRESETS, PanopticRules

__all__ = ["PRESETS", "Panoptic", "PanopticRules", "compose_panoptic"]
