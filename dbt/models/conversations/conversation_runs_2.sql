{{ conversation_runs(level=2) }}
