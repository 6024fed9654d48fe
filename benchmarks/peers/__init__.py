"""Both sides of `benchmarks/models.py`: gan_jax, and the same networks and update in PyTorch, from the papers."""
