{{ segment(condition = "lifecycle_stage = 'loyal'") }}
