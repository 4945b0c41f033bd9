"""What messages say: templates and their rendering (DESIGN 5)."""
