"""SPF, DKIM and DMARC as `pp doctor` judges them, asked of a DNS server that stands in for the world's."""

import base64
import json
from collections.abc import Mapping
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pp_pipeline.doctor.dns import Dns, read_nameserver
from pp_pipeline.doctor.examining import check_domains
from pp_pipeline.doctor.finding import Finding
from pp_pipeline.doctor.spf import judge_spf
from pp_pipeline_tests.dns_server import DnsServer
from pp_pipeline_tests.landing_shop import merchant

DOMAIN = "example.com"
A = "a.example.com"
Records = Mapping[str, list[str]]


@cache
def keys() -> dict[str, str]:
    """Public keys as they are published, by the words that stand for them in the cases."""
    found = {f"RSA{bits}": rsa.generate_private_key(65537, bits).public_key() for bits in (1024, 2048)}
    spelt = {
        name: public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for name, public in found.items()
    }
    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    spelt["EC256"] = curve.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    spelt["ED25519"] = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    texts = {name: base64.b64encode(content).decode() for name, content in spelt.items()}
    whole = texts["RSA2048"]
    return texts | {"IN_TWO": f"{whole[:90]} {whole[90:]}", "CUT_OFF": whole[:100]}


def with_keys(records: Records) -> Records:
    """Records, with keys in place of the words."""
    text = json.dumps(records)
    for name, key in keys().items():
        text = text.replace(f"p={name}", f"p={key}")
    return json.loads(text)


def found(records: Records, what: str, selectors: tuple[str, ...] = (), domain: str = DOMAIN) -> list[Finding]:
    """What is found of a domain whose sender a merchant is; `what` is how the findings' names begin."""
    shop = merchant(sender_email=f"shop@{domain}", dkim_selectors=selectors)
    with DnsServer(records) as server:
        findings = list(check_domains({"main": shop}, Dns(server.address).texts))
    return [each for each in findings if each.what.startswith(what)]


def chain(count: int) -> dict[str, list[str]]:
    """So many records, each of which includes the next one."""
    links = {f"n{number}.example.com": [f"v=spf1 include:n{number + 1}.example.com"] for number in range(count)}
    return links | {f"n{count}.example.com": ["v=spf1 ip4:192.0.2.0/24 -all"]}


@pytest.mark.parametrize(
    ("records", "state", "words"),
    [
        ({DOMAIN: ["v=spf1 -all"]}, "ok", "ends with -all, 0 of 10 lookups"),
        ({DOMAIN: ["verify=1", "V=SPF1 IP4:192.0.2.1 A MX ~ALL"]}, "ok", "ends with ~all, 2 of 10"),
        ({DOMAIN: [f"v=spf1 include:{A} ~all"], A: ["v=spf1 mx a:b.example.com/24 -all"]}, "ok", "~all, 3 of 10"),
        ({DOMAIN: [f"v=spf1 redirect={A}"], A: ["v=spf1 exists:%{i}.example.com -all"]}, "ok", "-all, 2 of 10"),
        ({DOMAIN: [f"v=spf1 -all redirect={A}"]}, "ok", "-all, 0 of 10"),
        ({DOMAIN: [f"v=spf1 redirect={A} -all"]}, "ok", "-all, 0 of 10"),
        ({DOMAIN: [f"v=spf1 -all include:{A} +all"]}, "ok", "-all, 0 of 10"),
        ({DOMAIN: ["v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all"]}, "ok", "-all, 0 of 10"),
        ({DOMAIN: [f"v=spf1 -include:{A} ~all"], A: ["v=spf1 +all"]}, "ok", "~all, 1 of 10"),
        ({DOMAIN: ["v=spf1 include:%{d}.example.com exp=why.example.com -all"]}, "ok", "1 of 10"),
        ({DOMAIN: [f"v=spf1 {'ip4:192.0.2.77 ' * 30}-all"]}, "ok", "0 of 10"),
        ({DOMAIN: ["v=spf1 include:n0.example.com -all"], **chain(9)}, "ok", "10 of 10 lookups"),
        ({DOMAIN: ["v=spf1 include:n0.example.com -all"], **chain(10)}, "fail", "it needs 11 lookups"),
        ({DOMAIN: ["v=spf1 include:n0.example.com -all"], **chain(90)}, "fail", "lookups, 10 are allowed"),
        ({}, "fail", "there is no record"),
        ({DOMAIN: []}, "fail", "there is no record"),
        ({DOMAIN: ["v=spf10 -all", "spf1 -all"]}, "fail", "there is no record"),
        ({DOMAIN: ["v=spf1 -all", "v=spf1 mx -all"]}, "fail", "there are 2 records"),
        ({DOMAIN: ["v=spf1 mx all"]}, "fail", "everybody may send"),
        ({DOMAIN: [f"v=spf1 redirect={A}"], A: ["v=spf1 +all"]}, "fail", "everybody may send"),
        ({DOMAIN: [f"v=spf1 include:{A} -all"]}, "fail", "a.example.com, which it includes, has 0 SPF records"),
        ({DOMAIN: [f"v=spf1 include:{DOMAIN} -all"]}, "fail", "it includes example.com in a ring"),
        ({DOMAIN: [f"v=spf1 include:{A} -all"], A: [f"v=spf1 include:{DOMAIN}"]}, "fail", "in a ring"),
        ({DOMAIN: ["v=spf1 include: -all"]}, "fail", "names nothing"),
        ({DOMAIN: ["v=spf1 ipv4:192.0.2.1 -all"]}, "fail", "'ipv4:192.0.2.1' is no term of SPF"),
        ({DOMAIN: ["v=spf1 ip4:192.0.2 -all"]}, "fail", "'ip4:192.0.2' is no term of SPF"),
        ({DOMAIN: ["v=spf1 -all ip6"]}, "fail", "'ip6' is no term of SPF"),
        (
            {DOMAIN: [f"v=spf1 include:{A} -all"], A: ["v=spf1 mx all"]},
            "fail",
            "which it includes, ends with +all",
        ),
        ({DOMAIN: ["v=spf1 mx"]}, "warn", "says nothing of other senders (1 of 10 lookups)"),
        ({DOMAIN: ["v=spf1 ?all"]}, "warn", "says nothing of other senders"),
    ],
)
def test_spf(records: Records, state: str, words: str) -> None:
    (finding,) = found(records, "SPF")
    assert finding.state == state and words in finding.detail
    assert bool(finding.fix) is (state != "ok")


def dkim(text: str, selector: str = "s1") -> dict[str, list[str]]:
    return {f"{selector}._domainkey.{DOMAIN}": [text]}


@pytest.mark.parametrize(
    ("records", "selectors", "states", "words"),
    [
        (dkim("v=DKIM1; k=rsa; p=RSA2048"), (), ["ok"], "rsa key of 2048 bits"),
        (dkim("p=IN_TWO; v=DKIM1"), (), ["ok"], "2048"),
        (dkim("v=DKIM1; k=ed25519; p=ED25519"), (), ["ok"], "ed25519 key of 256 bits"),
        (dkim("v=DKIM1; p=RSA1024"), (), ["warn"], "the key has 1024 bits"),
        (dkim("v=DKIM1; t=s:y; p=RSA2048"), (), ["warn"], "t=y"),
        ({}, (), ["warn"], "none is named"),
        (dkim("v=DKIM1; p=RSA2048", "own"), ("own",), ["ok"], "2048"),
        (dkim("v=DKIM1; p=RSA2048", "own") | dkim("p=RSA2048"), ("own",), ["ok", "ok"], "2048"),
        (dkim("v=DKIM1; p=RSA2048"), ("own",), ["fail", "ok"], "there is no key"),
        (dkim("v=DKIM1; p="), (), ["fail"], "withdrawn"),
        (dkim("v=DKIM1; p=CUT_OFF"), (), ["fail"], "not whole"),
        (dkim("v=DKIM1; p=?"), (), ["fail"], "no Base64"),
        (dkim("v=DKIM1; k=ed25519; p=AAAA"), (), ["fail"], "no Ed25519 key"),
        (dkim("v=DKIM1; p=EC256"), (), ["fail"], "no key of the kind"),
        ({f"s1._domainkey.{DOMAIN}": ["p=AAAA", "p=BBBB"]}, (), ["fail"], "there are 2 keys"),
        (dkim("v=spf1 -all"), (), ["warn"], "no key under a common selector"),
    ],
)
def test_dkim(records: Records, selectors: tuple[str, ...], states: list[str], words: str) -> None:
    findings = found(with_keys(records), "DKIM", selectors)
    assert [each.state for each in findings] == states
    assert words in findings[0].detail


def test_a_short_key_fails() -> None:
    short = (  # 512 bits, which no library makes any more
        "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf9Cnzj4p4WGeKLs1Pt8Qu"
        "KUpRKfFLfRYC9AIKjbJTWit+CqvjWYzvQwECAwEAAQ=="
    )
    (finding,) = found(dkim(f"v=DKIM1; p={short}"), "DKIM")
    assert (finding.state, finding.detail) == ("fail", "the key has 512 bits; receivers want 1024")


def dmarc(text: str, domain: str = DOMAIN) -> dict[str, list[str]]:
    return {f"_dmarc.{domain}": [text]}


@pytest.mark.parametrize(
    ("records", "state", "words"),
    [
        (dmarc("v=DMARC1; p=reject"), "ok", "reject, by _dmarc.mail.example.com; a mail passes by SPF or DKIM of"),
        (dmarc("v=DMARC1; p=quarantine; adkim=s"), "ok", "or DKIM of exactly mail.example.com"),
        (dmarc("v=DMARC1; p=none; rua=mailto:reports@example.com"), "warn", "none, by"),
        (dmarc("v=DMARC1; p=reject; pct=50"), "warn", "counts for 50 % of mails"),
        (dmarc("v=DMARC1; rua=mailto:reports@example.com"), "fail", "states no policy"),
        (dmarc("v=DMARC1; p=all"), "fail", "states no policy"),
        ({f"_dmarc.mail.{DOMAIN}": ["v=DMARC1; p=none", "v=DMARC1; p=reject"]}, "fail", "there are 2 records"),
        (dmarc("v=spf1 -all"), "fail", "there is no record"),
        (dmarc("p=reject; v=DMARC1"), "fail", "there is no record"),
        ({}, "fail", "there is no record"),
        ({f"_dmarc.{DOMAIN}": ["v=DMARC1; p=reject"]}, "ok", "reject, by _dmarc.example.com"),
        ({f"_dmarc.{DOMAIN}": ["v=DMARC1; p=reject; sp=none"]}, "warn", "none, by _dmarc.example.com"),
    ],
)
def test_dmarc(records: Records, state: str, words: str) -> None:
    of_mail = {name.replace(f"_dmarc.{DOMAIN}", f"_dmarc.mail.{DOMAIN}"): texts for name, texts in records.items()}
    domain = f"mail.{DOMAIN}"
    (finding,) = found(records if "by _dmarc.example.com" in words else of_mail, "DMARC", domain=domain)
    assert finding.state == state and words in finding.detail


@pytest.mark.parametrize(
    "server",
    [
        DnsServer(silent=frozenset({DOMAIN})),
        DnsServer(failing=frozenset({DOMAIN})),
        DnsServer(knows_root=False),
    ],
    ids=["silent", "failing", "without a way out"],
)
def test_what_could_not_be_asked_is_no_failure(server: DnsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pp_pipeline.doctor.dns._SECONDS", 0.3)
    with server:
        asked = Dns(server.address)
        (spf, *_) = check_domains({"main": merchant(sender_email=f"shop@{DOMAIN}")}, asked.texts)
    assert (spf.state, spf.detail) == ("not_asked", "no answer from DNS")


def test_who_does_not_answer_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pp_pipeline.doctor.dns._SECONDS", 0.3)
    with DnsServer(silent=frozenset({DOMAIN})) as server:
        findings = list(check_domains({"main": merchant(sender_email=f"shop@{DOMAIN}")}, Dns(server.address).texts))
    assert [each.state for each in findings] == ["not_asked"] * 3
    assert set(server.asked) == {DOMAIN}


def test_one_domain_of_two_merchants_is_judged_once() -> None:
    shops = {name: merchant(name, sender_email=f"{name}@{DOMAIN}", dkim_selectors=(name,)) for name in ("one", "two")}
    with DnsServer({DOMAIN: ["v=spf1 -all"]}) as server:
        names = [each.what for each in check_domains(shops, Dns(server.address).texts)]
    assert names == [
        "SPF of example.com", "DKIM of example.com, one", "DKIM of example.com, two", "DMARC of example.com",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.53", ("192.0.2.53", 53)), ("127.0.0.1:5353", ("127.0.0.1", 5353)),
        ("2001:db8::53", ("2001:db8::53", 53)), ("[2001:db8::53]:54", ("2001:db8::53", 54)),
        ("dns.example.com", None), ("127.0.0.1:", None), ("127.0.0.1:99999", None), ("", None),
    ],
)  # fmt: skip
def test_a_nameserver_is_an_address(text: str, expected: tuple[str, int] | None) -> None:
    if expected:
        assert read_nameserver(text) == expected
    else:
        with pytest.raises(ValueError, match=r".*"):
            read_nameserver(text)


def test_a_record_is_judged_without_any_dns() -> None:
    assert [each.state for each in judge_spf(DOMAIN, {DOMAIN: ["v=spf1 -all"]}.__getitem__)] == ["ok"]
