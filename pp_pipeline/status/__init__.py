"""How an installation stands, on one screen: `pp status` and its page."""
