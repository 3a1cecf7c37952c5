"""The networks. Torch lives here and in `training`, nowhere else."""
