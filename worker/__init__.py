"""Job door: runs what other parts enqueued, each job in one transaction.

`xunge worker` keeps a few processes alive (core/supervisor.py). Each runs `python -m worker`: the map from
names to functions (tasks.py), one job at a time (performing.py), a loop around procrastinate that outlives
the database (process.py), and its share of cleaning up after processes that died (sweeping.py).
"""
