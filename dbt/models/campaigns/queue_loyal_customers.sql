{{ campaign(
    event = 'loyal_customers',
    merchant = 'main',
    wait_days = 5,
    date_basis = 'order_date',
    active_from = '2026-07-04',
    audience = "lifecycle_stage = 'loyal' and total_spend_cents >= 50000",
) }}
