"""What needs a person, and telling it: the checks of the batches, alerts by e-mail and webhook, `pp status`."""
