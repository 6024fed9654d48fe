"""The shell around the pure core: the train loop, checkpoints, logs, pictures."""
