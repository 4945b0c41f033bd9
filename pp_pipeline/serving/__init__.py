"""`pp serve`: what contacts and providers say comes in here, over HTTP, and counts at once (docs/serving.md)."""
