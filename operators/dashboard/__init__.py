"""The dashboard: the same views and acts as the other faces, as pages. Readable without JavaScript, alive with a little of it."""
