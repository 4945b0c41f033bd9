{{ conversation_actions(level=2) }}
