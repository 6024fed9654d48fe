"""What a GAN is asked to do with real images beyond drawing more of them: one file a task."""
