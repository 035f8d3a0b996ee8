"""Files of data sets: names, addresses, images, label maps, classes."""
