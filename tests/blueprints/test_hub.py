"""Who a user is: in Azure nobody chooses that for themselves."""

from collections.abc import Mapping

import pytest

from blueprints.hub import _read, user_id_expression

MACHINE = {"AZURE_FUNCTIONS_ENVIRONMENT": "Development", "WEBSITE_HOSTNAME": "localhost:7071"}
AZURE = {"WEBSITE_INSTANCE_ID": "0a1b"}
SIGNED_IN = AZURE | {"WEBSITE_AUTH_ENABLED": "True"}
VERIFIED = ["{headers.x-ms-client-principal-id}", "{headers.x-ms-client-principal-name}"]
CHOSEN = ["{query.user}", "{headers.x-user}", "{user}", "ann", "{headers.x-ms-client-principal}", " "]


@pytest.mark.parametrize(
    "settings",
    [{}, {"NEGOTIATE_USER_ID": ""}, AZURE, SIGNED_IN, AZURE | {"NEGOTIATE_USER_ID": ""}],
    ids=["nowhere", "empty", "azure", "signed-in", "azure-empty"],
)
def test_users_are_anonymous_where_nothing_is_set(settings: Mapping[str, str]) -> None:
    assert user_id_expression(settings) is None


@pytest.mark.parametrize("expression", VERIFIED + CHOSEN)
def test_any_expression_is_taken_on_a_developers_machine(expression: str) -> None:
    assert user_id_expression(MACHINE | {"NEGOTIATE_USER_ID": expression}) == expression


@pytest.mark.parametrize("expression", [*VERIFIED, VERIFIED[0].upper()])
def test_header_of_app_service_authentication_is_taken_in_azure(expression: str) -> None:
    assert user_id_expression(SIGNED_IN | {"NEGOTIATE_USER_ID": expression}) == expression


@pytest.mark.parametrize("expression", CHOSEN)
@pytest.mark.parametrize(
    "settings",
    [{}, AZURE, SIGNED_IN, SIGNED_IN | {"AZURE_FUNCTIONS_ENVIRONMENT": "Production"}],
    ids=["nobody-says", "azure", "signed-in", "production"],
)
def test_expression_that_the_caller_controls_is_refused_in_azure(
    settings: Mapping[str, str], expression: str
) -> None:
    with pytest.raises(ValueError, match="which lets every caller choose who to be"):
        user_id_expression({**settings, "NEGOTIATE_USER_ID": expression})


@pytest.mark.parametrize("enabled", [{}, {"WEBSITE_AUTH_ENABLED": "False"}, {"WEBSITE_AUTH_ENABLED": ""}])
@pytest.mark.parametrize("expression", VERIFIED)
def test_header_is_refused_where_authentication_is_off(enabled: Mapping[str, str], expression: str) -> None:
    with pytest.raises(ValueError, match="App Service Authentication is off"):
        user_id_expression({**AZURE, **enabled, "NEGOTIATE_USER_ID": expression})


def test_a_refusal_leaves_the_app_standing() -> None:
    expression, refusal = _read({**AZURE, "NEGOTIATE_USER_ID": "{query.user}"})
    assert expression is None
    assert refusal is not None
    assert refusal.startswith("NEGOTIATE_USER_ID is {query.user}, which lets every caller choose who to be")
