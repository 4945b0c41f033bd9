{{ segment(condition = "lifecycle_stage = 'lapsed_loyal'") }}
