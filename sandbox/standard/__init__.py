"""A stand-in for whichever provider signs by Standard Webhooks and has a JSON status endpoint. It is nobody in particular."""
