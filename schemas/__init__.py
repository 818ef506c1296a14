"""The vocabulary: words, plain values, tables, configuration and dialects. Nothing here awaits, reads a clock or does I/O."""
