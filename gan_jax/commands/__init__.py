"""The commands of the command line: a file each, with its options and its `main`. Importing them imports no JAX."""
