"""Networks that their authors have published, trained: how their files are read, and what they are here."""
