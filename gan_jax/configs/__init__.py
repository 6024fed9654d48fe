"""Recipes: one file each, with a docstring and `get_config() -> Config`; found by name, or by path."""
