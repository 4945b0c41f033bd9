{{ fired_events(level=2) }}
