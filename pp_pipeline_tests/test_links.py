"""Links in messages: which are the shop's, what is added to them, and that nothing else changes."""

from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from pp_pipeline.contact_keys import contact_secret
from pp_pipeline.conversations.loading import load_conversations
from pp_pipeline.conversations.wordings import wordings_of
from pp_pipeline.link_policy import LinkPolicy, Tracking
from pp_pipeline.merchants import MerchantError, load_merchants
from pp_pipeline.messages.links import LinkRule, link_rule, rewrite_html, rewrite_text
from pp_pipeline.messages.render import Renderer
from pp_pipeline.sending.outlets.outlet import EmailDraft
from pp_pipeline.sending.planned import PlannedMessage
from pp_pipeline.sending.samples import sample_message
from pp_pipeline.serving.link_tokens import TrackedLink, read_link_token
from pp_pipeline.settings import Settings
from pp_pipeline_tests.landing_shop import merchant
from pp_pipeline_tests.message_shop import renderer, sms
from pp_pipeline_tests.sending_world import DAY, World, read_mail
from pp_pipeline_tests.test_merchants import GOOD, settings_with

RULE = LinkRule(
    hosts=("example.com", "shop.example.net"),
    tags=(("utm_source", "us"), ("utm_medium", "e%20mail")),
    untouched=("https://example.com/unsubscribe", "https://go.example.com/l"),
)
TAGS = "utm_source=us&utm_medium=e%20mail"
SECRET = b"0123456789abcdef"
HTTPS = "https:" + "//"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.com", f"https://example.com?{TAGS}"),
        ("https://example.com/", f"https://example.com/?{TAGS}"),
        ("https://example.com/?", f"https://example.com/?{TAGS}"),
        ("https://example.com/a?b=1", f"https://example.com/a?b=1&{TAGS}"),
        ("https://example.com/a?b=1&", f"https://example.com/a?b=1&{TAGS}"),
        ("https://example.com/a#top", f"https://example.com/a?{TAGS}#top"),
        ("https://example.com/a?b=1#?c", f"https://example.com/a?b=1&{TAGS}#?c"),
        ("https://example.com/%C3%A4%2Fb?q=a%20b+c&q=%26", f"https://example.com/%C3%A4%2Fb?q=a%20b+c&q=%26&{TAGS}"),
        ("https://example.com/ä", f"https://example.com/ä?{TAGS}"),
        ("HTTPS://Example.COM/A", f"HTTPS://Example.COM/A?{TAGS}"),
        ("http://example.com:8080/a", f"http://example.com:8080/a?{TAGS}"),
        ("https://blog.example.com/a", f"https://blog.example.com/a?{TAGS}"),
        ("https://de.shop.example.net", f"https://de.shop.example.net?{TAGS}"),
        ("https://example.com/a?utm_source=x", "https://example.com/a?utm_source=x&utm_medium=e%20mail"),
        ("https://example.com/a?utm%5Fsource=&utm_medium", "https://example.com/a?utm%5Fsource=&utm_medium"),
        ("https://example.com/unsubscribed", f"https://example.com/unsubscribed?{TAGS}"),
    ],
)
def test_a_link_to_the_shop_gets_the_tags_that_it_lacks(url: str, expected: str) -> None:
    assert RULE.applied(url) == expected
    assert RULE.applied(expected) == expected


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/unsubscribe", "https://example.com/unsubscribe?c=1", "https://example.com/unsubscribe/#x",
        "https://go.example.com/l/token", "mailto:shop@example.com", "tel:+12125550100", "#top", "", "/a", "?a=b",
        "//example.com/a", "ftp://example.com/a", "javascript:location='https://example.com/'", "https://",
        "https://example.net/a", f"{HTTPS}notexample.com", "https://example.com.example.org", f"{HTTPS}example.comx",
        "https://ann@example.com/a", "https://example.org\\@example.com/", "https://example.org/@example.com",
        "https://example.com/a b", "https://example.com/\x00", "https://example.com\n/", "https://[::1]/", "https:///a",
        "https://example.com/a?b=1&X-Amz-Signature=c", "https://example.com/a?sig=b",
    ],
)  # fmt: skip
def test_no_other_link_is_touched(url: str) -> None:
    assert RULE.applied(url) == url


NEW = TAGS.replace("&", "&amp;")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('<a href="https://example.com/?a=1&amp;b=2">', f'<a href="https://example.com/?a=1&amp;b=2&amp;{NEW}">'),
        ('<a href="https://example.com/?a&copy=2">', f'<a href="https://example.com/?a&amp;copy=2&amp;{NEW}">'),
        ("<A\nHREF = 'https://example.com'\nclass=x>", f'<A\nHREF = "https://example.com?{NEW}"\nclass=x>'),
        ("<a href=https://example.com/a>", f'<a href="https://example.com/a?{NEW}">'),
        ('<area shape="rect" href=" https://example.com ">', f'<area shape="rect" href="https://example.com?{NEW}">'),
        ('<a title="1 > 0" href="https://example.com">', f'<a title="1 > 0" href="https://example.com?{NEW}">'),
        ('<a href="/a" href="https://example.com">', None),
        ('<a title=" href=https://example.com ">', None),
        ('<a data-href="https://example.com">', None),
        ('<a href>https://example.com</a><a href="">', None),
        ('<abbr href="https://example.com">', None),
        ('<img alt="<a href=https://example.com>">', None),
        ("<!-- <a href='https://example.com'> -->", None),
        ("<title><a href='https://example.com'></title>", None),
        ("<style>a[href='<a href=https://example.com>'] {}</style>", None),
        ("1 < 2 <a href='https://example.com'", None),
        ('<p title=\'don"t\'>5 < 6</p><a href="https://example.com">', f'<a href="https://example.com?{NEW}">'),
        ("<!-- a --><a href='https://example.com'>", f'<a href="https://example.com?{NEW}">'),
    ],
)
def test_html_is_read_by_its_own_rules(content: str, expected: str | None) -> None:
    found = rewrite_html(content, RULE)
    assert found == content if expected is None else found.endswith(expected)


class Links(HTMLParser):
    """The links of HTML, as the standard library reads it."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.rest: list[object] = []
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(reversed(attrs))
        if tag in ("a", "area") and known.get("href"):
            self.found.append((known.pop("href") or "").strip())
        self.rest.append((tag, sorted(known.items(), key=str)))

    def handle_data(self, data: str) -> None:
        self.rest.append(data)


PIECES = (
    '<a href="https://example.com/a?b=1&amp;c=2">', "<a class=x href='https://example.com'>", "</a>",
    '<p class="x > y">', '<img alt="<a href=\'https://example.com/no\'>">', " 1 < 2 & 3 > 2 ", "it's ", '"', "<br/>",
    "<!-- <a href='https://example.com'> \" -->", "<style>a > b { content: '<a href=https://example.com>' }</style>",
    "<a\thref=https://example.com/x >", '<area href="https://example.org/">', "<title>a <b> c</title>", "text",
    '<td style="font: \'a\'" hidden>', '<a title="href=" href="https://shop.example.net/#x">',
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_another_reader_of_html_finds_the_new_links_and_all_else_as_it_was(content: str) -> None:
    before, after = Links(content), Links(rewrite_html(content, RULE))
    assert after.found == [RULE.applied(url) for url in before.found]
    assert after.rest == before.rest


@settings(max_examples=300)
@given(st.text(alphabet="<>a/='\" !-hrefhttps://example.com", max_size=200))
def test_whatever_it_is_html_without_a_link_of_the_shop_stays(content: str) -> None:
    assert rewrite_html(content, LinkRule(("example.org",), RULE.tags)) == content


@pytest.mark.parametrize("piece", ["<a ", "<a href='x", "<!--", "<title>", "<", '<p x="'])
def test_html_that_is_never_closed_is_read_once(piece: str) -> None:
    """Read anew from each piece, these would take hours."""
    content = piece * 100_000
    assert rewrite_html(content, RULE) == content


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("See https://example.com/a.", f"See https://example.com/a?{TAGS}."),
        ("(https://example.com/a_(b)), or", f"(https://example.com/a_(b)?{TAGS}), or"),
        ("<https://example.com>", f"<https://example.com?{TAGS}>"),
        ("[Look](https://example.com/a?b=1)!", f"[Look](https://example.com/a?b=1&{TAGS})!"),
        ("“https://example.com”", f"“https://example.com?{TAGS}”"),
        ("https://example.com/a\nhttps://example.com/b\n", f"https://example.com/a?{TAGS}\nhttps://example.com/b?{TAGS}\n"),
        ("Unsubscribe: https://example.com/unsubscribe?c=1", None),
        ("https://example.org/, ann@example.com, www.example.com", None),
        (f"{HTTPS}...", None),
    ],
)  # fmt: skip
def test_links_in_text_end_where_a_reader_would_end_them(content: str, expected: str | None) -> None:
    assert rewrite_text(content, RULE) == (content if expected is None else expected)


def message(**changes: object) -> PlannedMessage:
    values: dict[str, object] = {
        "key": "ab" * 16, "merchant": "main", "contact_key": "", "email": None, "run_key": "", "occurrence": 1,
        "conversation": "win_back", "step": "write", "pass_number": 1, "channel": "email", "template": "we miss you",
        "event_id": "", "order_number": None, "due_on": DAY, "order": None,
    }  # fmt: skip
    return PlannedMessage(**(values | changes))  # pyright: ignore[reportArgumentType]


def tagged(url: str, links: Mapping[str, object], kind: str = "commercial", **changes: object) -> str:
    """A link of a message of a shop that has this under `links`."""
    shop = merchant(site_url="https://www.example.com/en", links=links)
    return link_rule(shop, message(**changes), kind, SECRET).applied(url)


def test_tags_are_of_the_merchants_choice() -> None:
    shop = "https://example.com/a"
    usual = "utm_source=post_purchase&utm_medium=email&utm_campaign=win_back&utm_content=we%20miss%20you"
    assert tagged(shop, {}) == f"{shop}?{usual}"
    assert tagged(shop, {}, channel="sms") == tagged(shop, {"tags": {}}) == shop
    assert tagged(shop, {"sms_tags": {"c": "{channel}"}}, channel="sms") == f"{shop}?c=sms"
    own = {"tags": {"c": "{campaign}", "s": "{{{step}}}&"}}
    assert tagged(shop, own) == f"{shop}?s=%7Bwrite%7D%26"
    assert tagged(shop, own, campaign="late") == f"{shop}?c=late&s=%7Bwrite%7D%26"
    other = "https://example.org/a"
    assert tagged(other, own) == other
    assert tagged(other, own | {"tagged_hosts": ["Example.org"]}) == f"{other}?s=%7Bwrite%7D%26"


def test_tracking_is_for_advertising_by_e_mail_unless_asked_for() -> None:
    track = {"url": "https://go.example.com/"}
    links = {"tags": {"t": "1"}, "tracking": track}
    url = "https://example.com/a?b=1#c"
    tracked = tagged(url, links)
    beginning, token = tracked.rsplit("/", 1)
    assert beginning == "https://go.example.com/l"
    assert read_link_token(SECRET, token) == TrackedLink("ab" * 16, "https://example.com/a?b=1&t=1#c")
    assert tagged(url, links, kind="transactional") == "https://example.com/a?b=1&t=1#c"
    assert tagged(url, {"tracking": track | {"transactional": True}}, kind="transactional").startswith(beginning)
    assert tagged(url, links, channel="sms") == url
    for kept in (tracked, "https://example.com/unsubscribe?c=1", "https://example.com/preferences?c=1"):
        assert tagged(kept, links) == kept
    for too_odd in ("https://example.com/ä", "https://example.com/" + "a" * 2_000):
        assert tagged(too_odd, links) == f"{too_odd}?t=1"


def test_a_token_is_as_mails_that_went_out_hold_it_for_ever() -> None:
    link = TrackedLink("ab" * 16, "https://shop.example.com/products/cup?utm_source=post_purchase&utm_medium=email")
    old = f"{'ab' * 16}.piUUkZsT736dJalrkUROrA.g7GLM_IL9FIrgEpyUvWS83ORXFhaQLxFAA"
    assert read_link_token(SECRET, old) == link
    assert read_link_token(SECRET + b"x", old) is None


@pytest.mark.parametrize(
    ("links", "words"),
    [
        ({"tags": {"utm source": "x"}}, ["links.tags", "such as utm_source"]),
        ({"tags": {"a": "{email}"}}, ["links.tags", "may use {conversation}, {template}"]),
        ({"tags": {"a": "{step.__class__}"}}, ["links.tags", "may use"]),
        ({"tags": {"a": "{step!r}"}}, ["links.tags", "may use"]),
        ({"sms_tags": {"a": "{step"}}, ["links.sms_tags", "may use"]),
        ({"tagged_hosts": ["https://example.com"]}, ["links.tagged_hosts", "without https://"]),
        ({"tracking": {}}, ["links.tracking", "url"]),
        ({"tracking": {"url": "http://go.example.com"}}, ["links.tracking.url", "write https://"]),
        ({"tracking": {"url": "https://go.example.com?a"}}, ["links.tracking.url", "such as https://go.example.com"]),
        ({"tracking": {"url": "https://go.example.com", "days": 0}}, ["links.tracking.days"]),
        ({"tracking": {"url": "https://go.example.com", "robots": [" "]}}, ["links.tracking.robots", "every program"]),
    ],
)
def test_a_fault_of_the_policy_names_the_field_and_what_is_allowed(
    tmp_path: Path, links: dict[str, object], words: list[str]
) -> None:
    checkout = settings_with(tmp_path, "vienna.yml", yaml.safe_dump(GOOD | {"links": links}))
    with pytest.raises(MerchantError) as error:
        load_merchants(checkout)
    for word in ["merchants/vienna.yml", *words]:
        assert word in str(error.value)


@pytest.mark.parametrize("model", [LinkPolicy, Tracking])
def test_docs_name_every_field(model: type[BaseModel]) -> None:
    text = (Path(__file__).parents[1] / "docs" / "links.md").read_text()
    assert [name for name in model.model_fields if f"| `{name}` |" not in text] == []


def test_a_mail_that_goes_out_has_its_links_rewritten_and_still_unsubscribes(tmp_path: Path) -> None:
    world = World.make(tmp_path)
    for name, shown in (
        ("hello.mjml.j2", '<a href="{{ merchant.site_url }}/a?b=1&amp;c=2#d">Look</a>'),
        ("hello.txt.j2", "{{ merchant.site_url }}/a!\n"),
    ):
        path = world.conversation_folder / name
        path.write_text(path.read_text().replace("{# body #}", shown))
    world.plan(DAY, 1)
    world.run()
    mail = read_mail(world.mails()[0])
    parts = [part.get_content() for part in mail.iter_parts()]
    tags = "utm_source=post_purchase&utm_medium=email&utm_campaign=hello&utm_content=hello"
    assert f"https://example.com/a?{tags}!" in parts[0]
    assert f"https://example.com/a?b=1&c=2&{tags}#d" in Links(parts[1]).found
    page = str(mail["List-Unsubscribe"]).strip("<>")
    assert page in parts[0]
    assert page in Links(parts[1]).found


def test_the_tags_of_a_text_count_as_letters(tmp_path: Path) -> None:
    text = {"hello/hello.sms.j2": "Look: {{ merchant.site_url }}/" + "a" * 120}
    plain = sms(renderer(tmp_path, kind="transactional", files=text))
    tags = LinkPolicy(sms_tags={"utm_campaign": "{conversation}"})
    longer = sms(renderer(tmp_path, kind="transactional", files=text, links=tags))
    assert longer.text == plain.text + "?utm_campaign=hello"
    assert (plain.segments, longer.segments) == (1, 2)


def test_the_messages_of_the_checkout_have_tagged_and_tracked_links(tmp_path: Path) -> None:
    checkout = Settings(home=tmp_path)
    shipped = load_merchants(checkout)
    shop = shipped["main"].model_copy(
        update={"links": LinkPolicy.model_validate({"tracking": {"url": "https://go.example.com"}})}
    )
    secret = contact_secret(checkout)
    conversations = {one.conversation: one for one in load_conversations(checkout.conversations_dir, shipped)}
    for wording in (one for one in wordings_of(list(conversations.values())) if one.channel == "email"):
        name = wording.conversation.conversation
        sample = sample_message(wording, shop, secret, "ann@example.com", DAY, "ab" * 16)
        found = []
        for one in (shipped["main"], shop):
            draft = Renderer(checkout.conversations_dir, conversations, {"main": one}, secret).render(sample)
            assert isinstance(draft, EmailDraft)
            found.append([url for url in Links(draft.html).found if "/unsubscribe?" not in url])
            assert any(url in draft.text for url in found[-1]), name
        assert found[0], name
        for plain, tracked in zip(*found, strict=True):
            assert f"utm_campaign={name}" in plain
            if wording.conversation.kind == "commercial":
                link = read_link_token(secret, tracked.rpartition("/")[2])
                assert link == TrackedLink("ab" * 16, plain)
            else:
                assert tracked == plain
