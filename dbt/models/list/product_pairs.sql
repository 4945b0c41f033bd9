{#- What contacts bought with an article, in the same order or within 30 days after it: of the year up to the newest
    built day. The 50 best of each article. The score is the share of the article's orders that the other came with or
    after, in millionths, counted as if 20 more orders had brought nothing: so two orders of two make no sure thing. -#}
{{ config(materialized='table') }}

with ranked_articles as (
    select
        purchases.*,
        sales.order_count,
        row_number() over (
            partition by purchases.order_id order by sales.merchant_place, {{ bytewise('purchases.sku') }}
        ) as place
    from {{ ref('recent_purchases') }} as purchases
    inner join {{ ref('product_sales') }} as sales
        on
            purchases.merchant = sales.merchant
            and purchases.sku = sales.sku
    where not purchases.came_back and sales.order_count >= 2
),

-- of an order with more articles than 50 those that sell best: pairs grow by the square
articles as (
    select *
    from ranked_articles
    where place <= 50
),

orders as (
    select
        order_id,
        contact_id,
        ordered_on,
        row_number() over (partition by contact_id order by ordered_at, order_id) as turn
    from articles
    group by order_id, contact_id, ordered_at, ordered_on
),

-- an order itself and the 10 after it, joined by turn: an address that thousands of orders share costs no more
followed as (
    {%- for step in range(11) %}
    select
        orders.order_id,
        later.order_id as later_order_id
    from orders
    inner join orders as later
        on
            orders.contact_id = later.contact_id
            and orders.turn + {{ step }} = later.turn
            and later.ordered_on <= {{ add_days('orders.ordered_on', 30) }}
    {{ "union all" if not loop.last }}
    {%- endfor %}
),

followers as (
    select
        followed.order_id,
        articles.sku,
        max(case when followed.later_order_id <> followed.order_id then 1 else 0 end) = 1 as is_later
    from followed
    inner join articles on followed.later_order_id = articles.order_id
    group by followed.order_id, articles.sku
),

pairs as (
    select
        articles.merchant,
        articles.sku,
        followers.sku as other_sku,
        articles.order_count,
        count(*) as orders_together
    from articles
    inner join followers
        on
            articles.order_id = followers.order_id
            -- an article bought again goes with itself
            and (articles.sku <> followers.sku or followers.is_later)
    group by articles.merchant, articles.sku, followers.sku, articles.order_count
    having count(*) >= 2
),

scored as (
    select
        *,
        {{ floor_divide('orders_together * 1000000', 'order_count + 20') }} as score
    from pairs
),

ranked as (
    select
        *,
        row_number() over (
            partition by merchant, sku order by score desc, {{ bytewise('other_sku') }}
        ) as place
    from scored
)

select
    merchant,
    sku,
    other_sku,
    cast(orders_together as bigint) as orders_together,
    cast(score as bigint) as score
from ranked
where place <= 50
