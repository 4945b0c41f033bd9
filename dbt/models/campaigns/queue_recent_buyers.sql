{{ campaign(
    event = 'recent_buyers',
    merchant = 'main',
    wait_days = 0,
    date_basis = 'order_date',
    active_from = '2026-07-04',
) }}
