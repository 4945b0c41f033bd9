"""How deliveries leave: the outbox, mail servers, webhooks (DESIGN 5)."""
