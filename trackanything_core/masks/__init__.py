"""Masks as arrays, run lengths, boxes and pictures; without torch."""
