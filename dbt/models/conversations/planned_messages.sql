{#- The messages due on each day (DESIGN 4): what the runs of conversations reach on it. -#}
{{ partitioned_by_day('due_on', indexes=[{'columns': ['due_on']}], pre_hook=joins_of_ctes(),
    meta={
        'reads_history_of': ['order_versions', 'order_lines', 'order_file_rows', 'segment_snapshots', 'conversation_runs']
            + actions_below(3),
        'config_hash': 'conversations 4',
    }) }}

with {{ done_deeds(ref('conversation_runs'), level=3) }}

select
    {{ message_id('deeds.conversation', 'deeds.event_id', 'deeds.step', 'deeds.occurrence', 'deeds.pass') }}
        as message_id,
    deeds.run_key,
    deeds.conversation,
    deeds.step,
    deeds.occurrence,
    deeds.pass,
    deeds.channel,
    coalesce(variants.template, deeds.template) as template,
    coalesce(variants.variant, '') as variant,
    deeds.merchant,
    deeds.contact_key,
    deeds.event_id,
    deeds.order_number,
    deeds.done_on as due_on,
    deeds.not_before,
    deeds.drawn_occurrence
from done_deeds as deeds
left join {{ source('landing', 'conversation_variants') }} as variants
    on
        deeds.conversation = variants.conversation
        and deeds.step = variants.step
        and {{ share(['deeds.contact_key', 'deeds.conversation', 'deeds.step']) }} >= variants.from_share
        and {{ share(['deeds.contact_key', 'deeds.conversation', 'deeds.step']) }} < variants.to_share
