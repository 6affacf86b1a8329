"""Benchmarks: real figures of this machine, with a target where there is one."""
