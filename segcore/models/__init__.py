"""Convert model outputs to masks: soft masks in boxes, upsampled scores, prototypes, argmax."""
