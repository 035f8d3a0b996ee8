"""segcore beside its peers: ``python -m benchmarks.peers``.

- ``rows``: what is measured, who takes part, and what segcore must reach
- ``timing``: how; answers are compared first
- ``limits``: the plain read and fill of the same bytes
- ``libraries``: the peers that are installed
- ``measure``: all rows on one backend, in one process
- ``table``: what comes out, as Markdown
"""
