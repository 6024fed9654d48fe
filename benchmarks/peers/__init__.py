"""The sides of a comparison: gan_jax, and the same networks and update in PyTorch or Keras, from the papers."""
