"""What the stand-in for OpenAI is reached with where nobody says otherwise."""

API_KEY = "sk-sandbox-only-for-the-loopback-stand-in-of-openai"
WEBHOOK_SECRET = "whsec_b3BlbmFpLWxvb3BiYWNrLXN0YW5kLWluLXNlY3JldCE="
WEBHOOK_URL = "http://127.0.0.1:8080/webhooks/openai"
