"""``python -m segcore.cli`` is ``segcore``."""

from segcore.cli import main

main()
