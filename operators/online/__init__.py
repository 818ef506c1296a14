"""`config check --online`: whether the key works, clocks agree, and the account's webhook endpoint is ours."""
