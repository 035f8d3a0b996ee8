"""COCO's JSON and its relatives: instances, results, LVIS, panoptic, SA-1B, SA-V."""
