"""What commands do with data sets image by image: instances, maps, and their evaluation."""
