"""The Hugging Face hub, where generators are handed on."""

import re
from pathlib import Path

from gan_jax.errors import ConfigError, GanJaxError


def check_name(repository: str) -> None:
    """Raises ConfigError for what is no OWNER/NAME, or where huggingface_hub is not installed."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise ConfigError(f"push: expected OWNER/NAME on the Hugging Face hub, got {repository!r}")
    try:
        import huggingface_hub  # noqa: F401
    except ImportError:
        raise ConfigError("push: needs huggingface_hub; pip install huggingface_hub, then hf auth login") from None


def push(folder: Path, repository: str) -> str:
    """Uploads a folder as a model, and returns its address; a repository that there is not yet begins as private.

    By the hub's own client, as whoever is logged in with it. Raises GanJaxError with what the hub says.
    """
    import huggingface_hub

    try:
        huggingface_hub.create_repo(repository, private=True, exist_ok=True)
        huggingface_hub.upload_folder(repo_id=repository, folder_path=folder, commit_message="From gan-jax export")
    except Exception as error:  # of the client, of what it speaks HTTP by, and of the system
        said = " ".join(str(error).split())[:200]
        raise GanJaxError(
            f"push: {repository}: {type(error).__name__}: {said}; {folder} has all that was made"
        ) from None
    return f"https://huggingface.co/{repository}"
