"""Pages for the people of a shop, on this machine only (`pp pages`): they look, and change nothing."""
