"""Operations on masks: overlap, suppression, morphology, regions."""
