"""Beginning a campaign, a conversation or a segment: recipes, the files that are written, and their check."""
