"""How good the masks are: the DAVIS metric, simulated annotators, baselines."""
