"""`pp queue`: a campaign's queue on a day."""

from datetime import date, timedelta
from typing import Any

from pp_pipeline.campaigns.books import StaleDay, books, stale_days
from pp_pipeline.campaigns.parameters import Campaign, load_campaigns
from pp_pipeline.campaigns.queues import QueueDay, movements_on, newest_built_day, queue_days, waiting_orders
from pp_pipeline.campaigns.warnings import findings
from pp_pipeline.commands.acting_day import acting_day
from pp_pipeline.commands.output import counted, err, guarded, out, print_json, print_line, print_table
from pp_pipeline.conversations.loading import load_conversations
from pp_pipeline.dbt_project import DbtProject
from pp_pipeline.landing.files import first_day
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.merchants import load_merchants
from pp_pipeline.settings import Settings, SettingsError, parse_day
from pp_pipeline.warehouse import Connection, Warehouse
