"""Prompts on a few frames become masks on all; over the protocols of models.base."""
