"""What `pp doctor` looks at: plain functions, each of which gives findings and changes nothing."""
