{{ conversation_runs(level=3) }}
