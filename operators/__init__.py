"""What operators ask: they read everything, and write only actions, submissions and new jobs. May import all but the sandbox."""
