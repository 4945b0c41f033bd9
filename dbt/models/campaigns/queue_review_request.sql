{{ campaign(
    event = 'review_request',
    merchant = 'main',
    wait_days = 10,
    date_basis = 'ship_date',
    ship_trigger = 'ship_date_or_status',
    active_from = '2026-07-04',
    hold_statuses = ['hold'],
) }}
