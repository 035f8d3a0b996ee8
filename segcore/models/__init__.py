"""Model output to masks: soft masks in boxes, upsampled scores, prototypes, argmax."""
