{{ conversation_actions(level=3) }}
