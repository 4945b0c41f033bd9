{{ campaign(
    event = 'win_back',
    merchant = 'main',
    wait_days = 90,
    date_basis = 'order_date',
    repeat_orders = 'restart',
    active_from = '2026-07-04',
    back_populate_days = 90,
    audience = "order_count >= 2",
) }}
