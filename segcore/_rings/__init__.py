"""Rings of outlines: joined by bridges, simplified, split where they touch, and filled."""
