"""What a run shows of itself, and what it hands on."""
