"""XMem: masks on one frame become masks on the next (arXiv 2207.07115)."""
