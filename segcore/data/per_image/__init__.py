"""Data sets as commands process them, image by image: instances, maps, and their evaluation."""
