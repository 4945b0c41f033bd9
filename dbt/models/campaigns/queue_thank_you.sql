{{ campaign(
    event = 'thank_you',
    merchant = 'main',
    wait_days = 3,
    date_basis = 'order_date',
    active_from = '2026-07-04',
    hold_statuses = ['hold'],
) }}
