"""How deliveries leave: the outbox, mail servers, webhooks, platforms by name, files of segments (DESIGN 5)."""
