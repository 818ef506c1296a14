"""The tables' history. Every step is one file; a step that fails leaves nothing behind."""
