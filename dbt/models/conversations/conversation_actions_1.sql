{{ conversation_actions(level=1) }}
