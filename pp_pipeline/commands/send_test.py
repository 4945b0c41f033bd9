"""`pp send-test`: one message of a conversation, with a sample order, to somebody of the shop."""

from contextlib import closing

from pp_pipeline.commands.acting_day import acting_day
from pp_pipeline.commands.output import guarded, print_json, print_line
from pp_pipeline.commands.people import known_merchant, read_address, read_number
from pp_pipeline.contact_keys import contact_key
from pp_pipeline.conversations.loading import load_conversations
from pp_pipeline.conversations.wordings import wordings_of
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.ledger.switches import KILL_SWITCH, switch_is_on
from pp_pipeline.merchants import load_merchants
from pp_pipeline.messages.render import Renderer
from pp_pipeline.sending.guards.recipients import recipients_of
from pp_pipeline.sending.known_secret import known_secret
from pp_pipeline.sending.outlets.making import make_outlets
from pp_pipeline.sending.proofs import NOT_ON_ALLOW_LIST, Proofs, is_suppressed
from pp_pipeline.settings import Settings, SettingsError

_MEANINGS = {
    "sent": "accepted",
    "failed": "surely not accepted; try again",
    "unknown": "may have gone or not",
    "skipped": "was not sent",
}


@guarded
def send_test_message(name: str, to: str, merchant_name: str, as_json: bool) -> int:
    """Render, send and say what became of it. Returns 1 if it was not accepted."""
    settings = Settings.from_environment()
    merchants = load_merchants(settings)
    conversations = {each.conversation: each for each in load_conversations(settings.conversations_dir, merchants)}
    messages = wordings_of(list(conversations.values()))
    wording = next((each for each in messages if name in (each.name, each.conversation.conversation)), None)
    if wording is None:
        raise SettingsError(f"there is no message {name}; there are {', '.join(each.name for each in messages)}")
    merchant, is_text = known_merchant(merchants, merchant_name), wording.channel == "sms"
    recipient = read_number(to, merchant, "--to") if is_text else read_address(to, "--to")
    day = acting_day(settings, merchants, None)
    outlets = make_outlets(settings, merchants)
    channel = outlets.channels.get((merchant_name, wording.channel))
    if channel is None:
        raise SettingsError(f"{merchant_name} has no channel {wording.channel}")
    with Ledger(settings) as ledger, closing(outlets):
        if settings.kill_switch or switch_is_on(ledger, KILL_SWITCH):
            raise SettingsError("the kill switch is on: nothing is sent; `pp kill-switch off` lets it go on")
        secret = known_secret(settings, ledger)
        key = contact_key(secret, merchant_name, recipient)
        if is_suppressed(ledger, key, wording.channel, wording.conversation.kind):
            raise SettingsError(
                f"contact {key[:8]} is suppressed or was forgotten: nothing was sent; `pp why` of the address says "
                "which, `pp suppressions --lift` lifts what can be lifted"
            )
        renderer = Renderer(settings.conversations_dir, conversations, merchants, secret)
        proofs = Proofs(ledger, renderer, channel, recipients_of(settings, channel.target))
        outcome = proofs.send_test(wording, merchant, recipient, day)
    if as_json:
        told = {"state": outcome.state, "reason": outcome.reason, "provider_id": outcome.provider_id}
        print_json({"message": wording.name, "target": channel.target, **told})
    else:
        where = f" ({outcome.provider_id})" if outcome.provider_id else ""
        print_line(f"{outcome.state}: {outcome.reason or _MEANINGS.get(outcome.state, '')}, {channel.target}{where}")
        if outcome.reason == NOT_ON_ALLOW_LIST:
            print_line("Outside production only PP_ALLOWED_RECIPIENTS are written to.")
    return 0 if outcome.state == "sent" else 1
