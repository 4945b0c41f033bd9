"""`pp serve` under a fuzzer: whatever is asked, it answers as its OpenAPI description says, and never with an error.

Schemathesis draws the requests from the description, the same ones every time. Each is also asked with a valid token or
password in place of the drawn one, so that what lies behind those is reached.
"""

import base64
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from pp_pipeline.serving.link_tokens import TrackedLink, make_link_token
from pp_pipeline.settings import Settings
from pp_pipeline_tests.landing_shop import Shop, merchant
from pp_pipeline_tests.serving_shop import HOOK_SECRET, ServingShop

_OPERATIONS = (
    ("/u", "GET"), ("/u", "POST"), ("/preferences", "GET"), ("/preferences", "POST"),
    ("/l/{token}", "GET"), ("/webhooks/{merchant}/{source}", "POST"),
)  # fmt: skip
_EXAMPLES = 40
_SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
_BASIC = "Basic " + base64.b64encode(f"anyone:{HOOK_SECRET}".encode()).decode()
# An event that breaks a rule is kept out and counted, and the others count: no reason to refuse the request. And the
# password that stands in for a drawn one is valid, whatever schemathesis takes it for.
_NOT_BEHIND_PASSWORD = ("negative_data_rejection", "ignored_auth")


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServingShop]:
    hook = {"source": "plain", "secret": "HOOK", "proof": "password"}
    home = tmp_path_factory.mktemp("fuzzed") / "home"
    found = ServingShop(Shop(Settings(home=home, secret="fixed" * 8), {"main": merchant(webhooks=(hook,))}))
    yield found
    found.shop.ledger.close()


def test_the_description_is_served_and_sound(serving: ServingShop) -> None:
    operation = schemathesis.openapi.from_asgi("/openapi.json", serving.app)["/openapi.json"]["GET"]
    operation.Case().call_and_validate()
    described = serving.client.get("/openapi.json").json()["paths"]
    assert [(path, method.upper()) for path in described for method in described[path]] == [
        *_OPERATIONS, ("/openapi.json", "GET"),
    ]  # fmt: skip


@pytest.mark.parametrize("has_proof", [False, True], ids=["as_drawn", "with_proof"])
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize(("path", "method"), _OPERATIONS)
def test_every_answer_is_as_described(
    serving: ServingShop, path: str, method: str, mode: GenerationMode, has_proof: bool
) -> None:
    load_all_checks()
    operation = schemathesis.openapi.from_asgi("/openapi.json", serving.app)[path][method]
    is_webhook = path.startswith("/webhooks")
    checks: list[Any] = [
        check
        for name, check in zip(CHECKS.get_all_names(), CHECKS.get_all(), strict=True)
        if not (is_webhook and has_proof and name in _NOT_BEHIND_PASSWORD)
    ]

    @hypothesis.settings(max_examples=_EXAMPLES, suppress_health_check=_SLOW, database=None)
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Case) -> None:
        headers = {}
        if has_proof and is_webhook:
            case.path_parameters = {"merchant": "main", "source": "plain"}
            headers = {"Authorization": _BASIC}
        elif has_proof and path.startswith("/l/"):
            link = TrackedLink("ab" * 16, "https://example.com/")
            case.path_parameters = {"token": make_link_token(serving.secret, link)}
        elif has_proof and case.query is not None:
            case.query = {**case.query, "c": serving.token("ann")}
        response = case.call(headers=headers)
        case.validate_response(response, checks=checks, headers=headers)
        seen.add(response.status_code)

    seen: set[int] = set()
    ask()
    if has_proof and mode is GenerationMode.POSITIVE:
        assert seen == {302 if path.startswith("/l/") else 200}
