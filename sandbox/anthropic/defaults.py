"""What the stand-in for Anthropic is reached with where nobody says otherwise."""

API_KEY = "sk-ant-sandbox-only-for-the-loopback-stand-in-of-anthropic"
