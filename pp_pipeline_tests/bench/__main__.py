"""`make bench`: measures the queues, as in docs/performance.md."""

from pp_pipeline_tests.bench.bench_queues import main

main()
