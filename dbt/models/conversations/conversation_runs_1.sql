{{ conversation_runs(level=1) }}
