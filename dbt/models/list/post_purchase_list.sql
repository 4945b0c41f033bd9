{#- Every contact with at least one purchase, as of the newest built day. A view: any other day is asked for
    the same way (macro everyone_as_of), and no daily run rewrites history. -#}
{{ config(materialized='view', meta={'reads_history_of': ['order_versions', 'order_file_rows']}) }}

with days as (
    select max(day) as as_of from {{ source('landing', 'landed_days') }}
),

{{ everyone_as_of('days') }}

select
    {{ list_columns() }}
from contact_list
