"""What a shop of histories has written: two merchants, campaigns, a segment, and conversations that fire each other."""

import shutil
from datetime import date
from typing import Any

import yaml

from pp_pipeline.settings import Settings
from pp_pipeline_tests.pipeline import copy_checkout

MERCHANTS = ("main", "other")
EVENTS, SEGMENTS = ("purchase", "canceled", "nudge"), ("repeat",)
"""What the relay of `main` takes."""

FIRST = date(2026, 1, 1)
_CAMPAIGNS: dict[str, dict[str, Any]] = {
    "thank_you": {"wait_days": 1},
    "again": {"wait_days": 2, "repeat_orders": "restart", "audience": "order_count >= 2"},
    "other_thanks": {"wait_days": 1, "merchant": "other"},
}
_CONVERSATIONS = {
    "thanks": """
conversation: thanks
scope: order
exit_when: [canceled, returned]
threads:
  - thread: write
    steps:
      - trigger: [thank_you, other_thanks]
      - id: letter
        message: {channel: email, template: letter, passes: 2, after: 1}
""",
    "miss_you": """
conversation: miss_you
scope: contact
goal: purchased_again
exit_when: [purchased_again]
threads:
  - thread: wait_and_write
    rank: 1
    steps:
      - trigger: []
      - id: hold
        wait: {days: 1}
      - id: tell
        action: {fire: nudge}
      - id: letter
        message: {channel: email, template: letter}
  - thread: entry
    rank: 2
    steps:
      - trigger: [again, purchase]
      - go_to: wait_and_write.hold
""",
    "nudged": """
conversation: nudged
scope: contact
entries: once
threads:
  - thread: write
    steps:
      - trigger: [nudge]
      - id: letter
        message: {channel: email, template: letter}
""",
}
_LETTER = """<mjml>
<mj-head><mj-title>Hello</mj-title><mj-preview>Your order {{ order.number }}</mj-preview></mj-head>
<mj-body><mj-section><mj-column><mj-text>Order {{ order.number }}
<a href="{{ unsubscribe_url }}">Unsubscribe</a> {{ merchant.postal_address }}</mj-text>
</mj-column></mj-section></mj-body>
</mjml>
"""


def write_checkout(settings: Settings, mail_port: int) -> None:
    """Write the checkout of an installation whose mail server is on that port."""
    copy_checkout(settings.checkout)
    models = settings.dbt_dir / "models"
    for path in (*models.glob("campaigns/queue_*.sql"), *models.glob("list/segment_[!s]*.sql")):
        path.unlink()
    (models / "list/list.yml").unlink()
    for name, given in _CAMPAIGNS.items():
        parameters = {"event": name, "merchant": "main", "date_basis": "order_date", "active_from": str(FIRST), **given}
        words = ", ".join(f"{key}={value!r}" for key, value in parameters.items())
        (models / f"campaigns/queue_{name}.sql").write_text(f"{{{{ campaign({words}) }}}}\n")
    (models / "list/segment_repeat.sql").write_text('{{ segment(condition = "order_count >= 2") }}\n')
    for name in MERCHANTS:
        (settings.merchants_dir / f"{name}.yml").write_text(yaml.safe_dump(_merchant(name, mail_port)))
    for path in settings.conversations_dir.glob("*/conversation.yml"):
        shutil.rmtree(path.parent)
    for name, text in _CONVERSATIONS.items():
        folder = settings.conversations_dir / name
        folder.mkdir()
        (folder / "conversation.yml").write_text(text)
        (folder / "letter.mjml.j2").write_text(_LETTER)


def _merchant(name: str, mail_port: int) -> dict[str, Any]:
    road = {"via": "smtp", "host": "127.0.0.1", "port": mail_port, "security": "none", "per_second": 1000}
    relay = {"relay": "hub", "events": list(EVENTS), "segments": list(SEGMENTS)}
    return {
        **{"zone": "UTC", "currency": "USD", "sender_name": "Corner Shop", "sender_email": "shop@example.com"},
        **{"postal_address": "1 Corner Street", "unsubscribe_url": "https://example.com/unsubscribe"},
        **{"site_url": "https://example.com", "channels": {"email": road}},
        "sending": {"caps": {"email": {"messages": 2, "days": 2}}},
        "relays": [relay] if name == "main" else [],
    }
