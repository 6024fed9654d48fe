"""Where a run is shown beside its folder: TensorBoard, Weights & Biases."""
