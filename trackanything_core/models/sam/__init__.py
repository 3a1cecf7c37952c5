"""SAM: prompts on one picture become a mask (arXiv 2304.02643)."""
