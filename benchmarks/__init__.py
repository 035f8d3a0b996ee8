"""segcore's benchmarks: an asv suite (``bench_*.py``), and the peers (``benchmarks.peers``)."""
