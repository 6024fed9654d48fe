"""Puts the recipes of `configs/` into a wheel, as `gan_jax/configs`; an editable install finds them where they are."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Recipes(BuildHookInterface):
    """Run by hatchling for each wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Maps the folder, unless the wheel only points here."""
        if version != "editable":
            build_data["force_include"]["configs"] = "gan_jax/configs"
