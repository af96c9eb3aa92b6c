"""The comparisons behind every performance claim. `python -m benchmarks` runs all of them.

Each module beside this one is a comparison: `python -m benchmarks.NAME`. What they are made of:

    rig      what is served, and how it is measured: simulated hosts, workload W, processes, a browser
    sides    what is measured, each side in a process of its own: fleet's, the peers', a handshake's
    figures  what becomes of results: lines of JSON, verdicts by `budgets.toml`, tables and charts
    soak     a service that is used for half an hour: `python -m benchmarks.soak`
"""
