"""What the product can do, measured. Each file runs by itself: `python -m benchmarks.receive`."""
