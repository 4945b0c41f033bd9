"""Comparing two plans: of two configurations, of two contents of a file, of what was known at two times (DESIGN 7)."""
