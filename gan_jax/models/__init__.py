"""Networks, one file for each paper: its Generator and its Discriminator.

For weights from elsewhere: maps are [B, H, W, C], kernels [k, k, inputs, outputs], and those of transposed convolutions
[k, k, outputs, inputs]. Keras's are, too. PyTorch's become so by a transposition to (2, 3, 1, 0), both kinds, and
nothing is flipped; dense ones by (1, 0). A dense layer that maps are made of, or that reads them, counts rows, columns,
channels, where PyTorch's counts channels first. Zeros around an image are as many on both sides, as in PyTorch, where
kernel - stride is even; else the odd one is behind, as in TensorFlow. Batch normalisation has an epsilon of 1e-5 and a
momentum of 0.9, which PyTorch calls 0.1; of its variances `layers/normalisation.py` says more.
"""
