"""What comparisons stand on: the hosts that they ask, and the processes, clocks and counters that measure."""
