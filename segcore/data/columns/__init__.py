"""Columns of data sets: tables, segmentations, strings, ids."""
