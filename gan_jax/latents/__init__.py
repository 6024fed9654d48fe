"""The space that a generator draws from: ways through it, its directions, and pictures found in it."""
