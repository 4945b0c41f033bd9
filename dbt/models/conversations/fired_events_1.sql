{{ fired_events(level=1) }}
