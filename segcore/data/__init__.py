"""Data sets: readers of COCO files, label maps and photographs."""
