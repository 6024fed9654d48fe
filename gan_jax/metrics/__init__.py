"""Scores of generated images: pure functions of features."""
