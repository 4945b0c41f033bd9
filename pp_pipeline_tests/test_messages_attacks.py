"""Templates and data that mean harm: nothing gets out of the sandbox, nothing runs on, no value becomes markup."""

import random
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pp_pipeline.messages.content import Contents
from pp_pipeline.messages.formats import is_link
from pp_pipeline.messages.render import RenderError
from pp_pipeline.sending.outlets.mime import email_bytes
from pp_pipeline.sending.planned import PlannedMessage, RecommendedProduct
from pp_pipeline_tests.message_shop import email, line, message, mjml, problems, renderer, write

ESCAPES = (
    "{{ order.attributes.__class__.__mro__ }}",
    "{{ ''.__class__ }}",
    "{{ ''['__class__'] }}",
    "{{ [order.attributes] | map(attribute='__class__') | first }}",
    "{{ range.__globals__ }}",
    "{{ content.__globals__ }}",
    "{{ content.__code__.co_code }}",
    "{{ self._TemplateReference__context }}",
    "{{ order.attributes.get.__self__ }}",
    "{{ '{0.__class__}'.format(order) }}",
    "{{ '{x}'.format_map(order.attributes) }}",
    "{{ order.attributes.update({'color': 'red'}) }}",
    "{{ order.attributes }}",
    "{{ order }}",
    "{{ [1, 2] }}",
    "{{ self }}",
    "{{ content }}",
)

_LONG = "{% set a = 'xxxxxxxxxx' %}" + "{% set a = a ~ a %}" * 13
_NESTED = "{% set a = [1] %}{% set b = [1] %}" + "{% set a = [a, a] %}{% set b = [b, b] %}" * 40

ENDLESS = (
    _LONG + "{% set b = range(1000) | join(a) %}",
    _LONG + "{% set b = [a, a] | join %}",
    _LONG + "{% for i in range(1000) %}{% set b = a | list | sort %}{% endfor %}",
    _LONG + "{% for i in range(1000) %}{% set b = a.split('y') %}{% endfor %}",
    _LONG + "{% set b = a | list %}{% set c = b | select('in', b) | list %}",
    _LONG + "{% set b = a | list %}{% for i in range(1000) %}{{ 'y' if 'y' in b else 'x' }}{% endfor %}",
    "{% set a = range(1000) | list %}" + "{% set a = [a, a] | sum(start=[]) %}" * 40,
    _NESTED + "{{ a == b }}",
    _NESTED + "{{ a is eq b }}",
    _NESTED + "{% set c = a ~ b %}",
    _NESTED + "{% set c = a | lower %}",
    "{% set a = [1] %}" + "{% set a = [0, 0] | map('d', a, true) | list %}" * 40 + "{% set b = a | upper %}",
    "{% set a = (1, 1) %}" + "{% set a = (a, a) %}" * 40 + "{% set b = {a: 1} %}",
    "{{ (1).to_bytes(10 ** 10, 'big') | length }}",
    "{{ (1).to_bytes(10000000000, 'big') | length }}",
    "{{ order.date.strftime('%Y') }}",
    "{% for a in range(1000) %}{% for b in range(8) %}" + "x" * 500 + "{% endfor %}{% endfor %}",
    "{% for a in range(1000) %}{% for b in range(1000) %}x{% endfor %}{% endfor %}",
    "{% for a in range(1000) %}{% for b in range(1000) if b > a %}{% endfor %}{% endfor %}",
    "{% for a in range(1000) %}{% for b in range(1000) | map('upper') %}{% endfor %}{% endfor %}",
    "{% for a in range(10 ** 9) %}x{% endfor %}",
    "{{ range(99999999) | sum }}",
    "{{ 9 ** 9 ** 9 }}",
    "{{ 'x' * 1000000000 }}",
    "{{ [1] * 1000000000 }}",
    "{{ '%0999999999d' % 1 }}",
    "{{ 'x'.center(1000000000) }}",
    "{{ 'x'.ljust(1000000000) }}",
    "{{ '{:>1000000000}'.format(1) }}",
    "{{ 99999999999999 * 99999999999999 * 99999999999999 * 99999999999999 }}",
    "{% set a = 'xxxxxxxxxx' %}" + "{% set a = a ~ a %}" * 40 + "{{ a }}",
    "{% set a = 'xxxxxxxxxx' %}" + "{% set a = a + a %}" * 40 + "{{ a }}",
    "{% set a = [1] %}" + "{% set a = a + a %}" * 40 + "{{ a | length }}",
    "{% set a = 'x' %}" + "{% set a %}{{ a }}{{ a }}{% endset %}" * 40 + "{{ a }}",
    "{% for a in range(1000) %}{{ order.attributes.long }}{% endfor %}",
)

NOT_LOADED = (
    ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "macros: not for messages"),
    ("{% for a in order.lines recursive %}{{ loop(order.lines) }}{% endfor %}", "a recursive loop"),
    ("{% autoescape false %}{{ contact.first_name }}{% endautoescape %}", "autoescape: not for messages"),
    ("{{ contact.first_name | safe }}", "No filter named 'safe'"),
    ("{{ 'x' | center(1000000000) }}", "No filter named 'center'"),
    ("{{ order.attributes | attr('__class__') }}", "No filter named 'attr'"),
    ("{{ namespace() }}", "uses namespace, which is not known"),
    ("{{ cycler }}{{ lipsum() }}", "uses cycler, which is not known"),
    ("{% set c = content %}{{ c('offer').text }}", "asks for content by a name that is not written out"),
    ("{{ order.__class__ }}", "uses order.__class__; allowed are"),
    ("{{ " + "(" * 5_000 + ")" * 5_000 + " }}", "is nested too deeply"),
    ("{% for a in order.lines %}" * 30 + "{% endfor %}" * 30, "is nested too deeply"),
    ("{% include 'hello/hello.mjml.j2' %}", "in MJML write <mj-include"),
)


@pytest.mark.parametrize("escape", ESCAPES)
def test_templates_cannot_leave_the_sandbox(tmp_path: Path, escape: str) -> None:
    made = renderer(tmp_path, escape)
    assert all("asks for content by a name" in problem for problem in problems(tmp_path))
    with pytest.raises(RenderError, match=r"^render_error: hello/hello: (SecurityError|TemplateRuntimeError)$"):
        email(made)


@pytest.mark.parametrize("endless", ENDLESS)
def test_what_does_not_end_is_given_up_for_its_message_alone(tmp_path: Path, endless: str) -> None:
    made = renderer(tmp_path, "{% if contact.first_name == 'Eve' %}" + endless + "{% endif %}")
    planned = message("Eve")
    assert planned.order is not None
    planned.order.attributes["long"] = "x" * 1_000  # type: ignore[index]
    with pytest.raises(RenderError, match="SecurityError"):
        email(made, planned)
    assert email(made).subject == "Hello"


@pytest.mark.parametrize(("template", "words"), NOT_LOADED)
def test_what_could_not_be_bounded_is_refused_when_it_is_loaded(tmp_path: Path, template: str, words: str) -> None:
    renderer(tmp_path, template)
    assert any(words in problem for problem in problems(tmp_path))


@pytest.mark.parametrize("ending", ["mjml.j2", "txt.j2"])
def test_files_that_include_ever_more_are_refused(tmp_path: Path, ending: str) -> None:
    is_mjml = ending == "mjml.j2"
    include = '<mj-include path="%s" />' if is_mjml else '{%% include "%s" %%}'
    names = [f"{'' if is_mjml else 'hello/'}b{number}.{ending}" for number in range(40)]
    files = {f"hello/b{number}.{ending}": (include % names[number + 1]) * 2 for number in range(39)}
    files |= {f"hello/b39.{ending}": "<mj-text>x</mj-text>" if is_mjml else "x"}
    files |= {
        "hello/hello.mjml.j2": mjml((include % names[0]) if is_mjml else ""),
        "hello/hello.txt.j2": include % names[0],
    }
    if is_mjml:
        del files["hello/hello.txt.j2"]
    write(tmp_path, files)
    assert any("includes more than 100 files" in problem for problem in problems(tmp_path))


def test_what_templates_need_of_lists_is_there(tmp_path: Path) -> None:
    body = (
        "{{ order.lines | map(attribute='product_name') | join(', ') }};{{ order.lines | sum(attribute='quantity') }};"
        "{{ order.lines | selectattr('category', 'eq', 'Paper') | list | length }};"
        "{% for group in order.lines | groupby('category') %}{{ group.grouper }}{{ group.list | length }}{% endfor %};"
        "{{ order.lines | join('+', attribute='sku') }};"
        "{{ 'yes' if 'S1' in order.lines | map(attribute='sku') | list }};"
        "{% for one, other in [(1, 2), (3, 4)] %}{{ one + other }}{% endfor %};{{ ['b', 'a'] | sort | first }};"
        "{{ order.attributes.get('color') }};{{ order.date.year }};{{ order.lines == [] }};"
        "{{ none | default('x', true) }}"
    )
    made = renderer(tmp_path, body)
    assert problems(tmp_path) == []
    text = email(made, message(lines=(line("A & B"), line("C", "S2")))).text
    assert text.startswith("A & B, C;2;2;Paper2;S1+S2;yes;37;a;blue;2026;False;x\n")


def test_none_is_not_put_into_texts(tmp_path: Path) -> None:
    for body in ("{{ 'x' ~ order.ship_date }}", "{{ [order.ship_date] | join }}", "{{ order.ship_date | upper }}"):
        with pytest.raises(RenderError, match="TemplateRuntimeError"):
            email(renderer(tmp_path, body))


def test_long_runs_of_blanks_and_brackets_take_no_time(tmp_path: Path) -> None:
    """Each took minutes, and would have held up the batch: what was tried again at every letter is tried once."""
    made = renderer(tmp_path, "{{ order.lines[0].product_name }}")
    for name in ("a" + " " * 40_000 + "b", "a" + " |" * 20_000 + "b", "https://example.com/" + ")" * 40_000):
        assert email(made, message(lines=(line(name),))).text.startswith(name[:1])


@pytest.mark.parametrize("error", [RecursionError, MemoryError, ZeroDivisionError])
def test_whatever_goes_wrong_is_of_one_message(
    tmp_path: Path, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = renderer(tmp_path, "{% set help = content('help') %}{{ contact.first_name }}")

    def fails(*_: object) -> None:
        raise error("ann@example.com")

    monkeypatch.setattr(Contents, "choose", fails)
    with pytest.raises(RenderError, match=f"^render_error: hello/hello: {error.__name__}$"):
        email(made)


PIECES = (
    "<", ">", "\"", "'", "&", "&lt;", "&#60;", "</td>", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>",
    "\"><b>", "' onmouseover='x", "--><svg/onload=x>", "]]>", "<![CDATA[", "<!--", "{{ 7 * 7 }}", "{% raw %}", "{#",
    "ppx0xpp", "ppx3xpp", "\r\nBcc: x@example.com", "\n\n<b>", "\x00", "\x0b", "\x85", "\u2028", "\u202e", "\ufeff",
    "\ud800", "é", "日本語", "🎉", "a" * 300, "%s", "${x}", "=?utf-8?q?x?=", "Subject: x", "javascript:alert(1)", " ",
)  # fmt: skip


def hostile(count: int) -> list[str]:
    """Names that mean harm, always the same ones."""
    choose = random.Random(5)
    return ["".join(choose.choices(PIECES, k=choose.randint(0, 5))) for _ in range(count)]


class _Shape(HTMLParser):
    """The elements and attributes of a page, without its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[object] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, [name for name, _ in attrs]))

    def handle_endtag(self, tag: str) -> None:
        self.found.append(tag)

    def handle_comment(self, data: str) -> None:
        self.found.append(data)


SMALL = mjml(
    '<mj-text><p title="{{ contact.first_name }}">{{ contact.first_name }}</p></mj-text>'
    "<mj-table>{% for line in order.lines %}"
    '<tr><td title="{{ line.product_name }}">{{ line.product_name }} {{ line.sku or "" }}</td></tr>'
    "{% endfor %}</mj-table>",
    subject="For {{ contact.first_name }}",
    preheader="{{ contact.first_name }}",
)


def test_ten_thousand_hostile_names_stay_text_and_stop_nothing(tmp_path: Path) -> None:
    made = renderer(tmp_path, files={"hello/hello.mjml.j2": SMALL})
    names = hostile(10_000)
    harmless = _Shape(email(made, message(lines=(line("Lamp"),) * 100)).html).found
    for start in range(0, len(names), 100):  # product names: 100 to a message, and the page taken apart
        draft = email(made, message(lines=tuple(line(name) for name in names[start : start + 100])))
        assert _Shape(draft.html).found == harmless
    sound = email(made)
    heads = _header_names(email_bytes(sound))
    for name in names:  # first names: subject, preheader, text and an attribute
        draft = email(made, message(name))
        assert draft.html.count("<") == sound.html.count("<")
        assert draft.html.count(">") == sound.html.count(">")
        assert draft.html.count('"') == sound.html.count('"')
        assert draft.subject.isprintable() or not set(draft.subject) & set("\r\n")
        assert _header_names(email_bytes(draft)) == heads


def _header_names(content: bytes) -> list[bytes]:
    """The names of the headers; a folded line belongs to the one before."""
    head = content.partition(b"\r\n\r\n")[0]
    return [each.partition(b":")[0] for each in head.split(b"\r\n") if not each.startswith(b" ")]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        *(
            (link, "")
            for link in ("https://example.org/win", "win.example.org now", "WWW.EXAMPLE.ORG", "x@example.org")
        ),
        *((name, name) for name in ("J.R.", "Mary-Ann", "O'Neil", "Zoë", "St. John", "محمد")),
    ],
)
def test_no_name_is_a_link(tmp_path: Path, name: str, shown: str) -> None:
    assert f"[{shown}]" in email(renderer(tmp_path, "[{{ contact.first_name }}]"), message(name)).text


@given(name=st.text(max_size=80))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_name_becomes_markup(tmp_path: Path, name: str) -> None:
    made = renderer(tmp_path, files={"hello/hello.mjml.j2": SMALL})
    draft = email(made, message(name, lines=(line(name),)))
    assert _Shape(draft.html).found == _Shape(email(made, message(lines=(line("Lamp"),))).html).found


LINKS = (
    "javascript:alert(1)", " javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "data:text/html,x",
    "vbscript:x", "//example.com/x", "/x", "x", "", "https://", "https:///x", "https://example.com/ x",
    "https://example.com/\nx", "file:///etc/passwd", "\x01https://example.com", "blob:https://example.com",
)  # fmt: skip


@pytest.mark.parametrize("link", LINKS)
def test_a_link_out_of_data_is_followed_only_if_people_can(tmp_path: Path, link: str) -> None:
    made = renderer(tmp_path, '<a href="{{ recommended[0].url }}">{{ recommended[0].name }}</a>')
    with pytest.raises(RenderError, match=r"^render_error: hello/hello: SecurityError$"):
        email(made, recommending(link))


@pytest.mark.parametrize(
    "link",
    ["https://example.com/a?b=1&c=%20'\"<x>", "HTTP://EXAMPLE.COM", "mailto:shop@example.com", "tel:+12015550123"],
)
def test_links_are_escaped_as_attributes(tmp_path: Path, link: str) -> None:
    made = renderer(tmp_path, '<a href="{{ recommended[0].url }}">{{ recommended[0].name }}</a>')
    shown = re.findall(r'href="([^"]*)"', email(made, recommending(link)).html)
    assert unescape(shown[0]) == link
    assert all(is_link(unescape(each)) for each in shown)


def recommending(url: str) -> PlannedMessage:
    """A message that recommends one product of that address."""
    product = RecommendedProduct("S2", "Lamp", None, url, None, None, None, "category")
    return message(recommended=(product,))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('<p style="color: {{ contact.first_name }}">x</p>', "style: shows a value of the message"),
        ('<p onclick="{{ contact.first_name }}">x</p>', "onclick is not for messages"),
        ("<a href={{ merchant.site_url }}>x</a>", 'href: quote the value: href="…"'),
        ("<a href='{{ merchant.site_url }}'>x</a>", 'href: quote the value: href="…"'),
        ("<a {{ contact.first_name }}>x</a>", "Jinja stands in the quoted values of attributes"),
        ('<a href="javascript:alert(1)">x</a>', "href: is no link"),
        ("<script>alert(1)</script>", "<script> is not for messages"),
        ('<iframe src="https://example.com"></iframe>', "<iframe> is not for messages"),
        ('<a href="#top">x</a>', "href: is no link; begin with https://, mailto: or tel:"),
    ],
)
def test_values_stand_only_where_they_can_be_escaped(tmp_path: Path, body: str, words: str) -> None:
    write(tmp_path, {"hello/hello.mjml.j2": mjml(f"<mj-text>{body}</mj-text>")})
    told = problems(tmp_path)
    assert any(problem.startswith("hello/hello.mjml.j2:3: ") and words in problem for problem in told), told
