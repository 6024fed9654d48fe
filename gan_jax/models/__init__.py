"""Networks, one file for each paper: its Generator and its Discriminator."""
