"""Runs as people see them: pages and files that leave the house. Stands on `run`, which knows nothing of it."""
