"""Who calls, by the headers of App Service Authentication, and by what a caller says of itself."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import azure.functions as func
import pytest

from serverless_signalr.principal import Principal, insecure_user_id, is_deployed

OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
NAME_ID = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier"
NAME = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"
EMAIL = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"
NET_ROLE = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"

MACHINE = {"AZURE_FUNCTIONS_ENVIRONMENT": "Development", "WEBSITE_HOSTNAME": "localhost:7071"}
AZURE = {"WEBSITE_INSTANCE_ID": "0a1b"}
SIGNED_IN = AZURE | {"WEBSITE_AUTH_ENABLED": "True"}


def principal(value: object, *, padded: bool = True) -> str:
    text = base64.b64encode(json.dumps(value).encode()).decode()
    return text if padded else text.rstrip("=")


def request(
    headers: Mapping[str, str] | None = None, query: Mapping[str, str] | None = None
) -> func.HttpRequest:
    url = "https://chat.azurewebsites.net/api/negotiate"
    return func.HttpRequest(method="POST", url=url, headers=headers or {}, params=query or {}, body=b"")


def claim(name: str, value: object) -> dict[str, object]:
    return {"typ": name, "val": value}


ENTRA: dict[str, Any] = {
    "auth_typ": "aad",
    "claims": [
        claim("aud", "11111111-1111-1111-1111-111111111111"),
        claim("iss", "https://login.microsoftonline.com/22222222-2222-2222-2222-222222222222/v2.0"),
        claim(EMAIL, "ann@contoso.com"),
        claim("name", "Ann Example"),
        claim(OBJECT_ID, "33333333-3333-3333-3333-333333333333"),
        claim("preferred_username", "ann@contoso.com"),
        claim("roles", "admin"),
        claim("roles", "auditor"),
        claim(NAME_ID, "subject-of-ann"),
        claim("ver", "2.0"),
    ],
    "name_typ": EMAIL,
    "role_typ": "roles",
}
ENTRA_HEADERS = {
    "X-MS-CLIENT-PRINCIPAL": principal(ENTRA),
    "X-MS-CLIENT-PRINCIPAL-ID": "33333333-3333-3333-3333-333333333333",
    "X-MS-CLIENT-PRINCIPAL-IDP": "aad",
    "X-MS-CLIENT-PRINCIPAL-NAME": "ann@contoso.com",
}

GITHUB: dict[str, Any] = {
    "auth_typ": "github",
    "claims": [
        claim(NAME_ID, "583231"),
        claim(NAME, "octocat"),
        claim("urn:github:name", "The Octocat"),
        claim("urn:github:url", "https://api.github.com/users/octocat"),
        claim("urn:github:login", "octocat"),
    ],
    "name_typ": NAME,
    "role_typ": NET_ROLE,
}
GITHUB_HEADERS = {
    "x-ms-client-principal": principal(GITHUB),
    "x-ms-client-principal-id": "583231",
    "x-ms-client-principal-idp": "github",
    "x-ms-client-principal-name": "octocat",
}

V1_ROLES: dict[str, Any] = {
    "auth_typ": "aad",
    "claims": [claim(OBJECT_ID, "4444"), claim(NET_ROLE, "admin"), claim("roles", "auditor")],
    "name_typ": NAME,
    "role_typ": NET_ROLE,
}


def read(headers: Mapping[str, str], settings: Mapping[str, str] = MACHINE) -> Principal:
    found = Principal.from_request(request(headers), settings)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("headers", "id_", "name", "provider", "roles"),
    [
        pytest.param(
            ENTRA_HEADERS,
            "33333333-3333-3333-3333-333333333333",
            "ann@contoso.com",
            "aad",
            ("admin", "auditor"),
            id="entra",
        ),
        pytest.param(GITHUB_HEADERS, "583231", "octocat", "github", (), id="github-without-roles"),
        pytest.param(
            {"x-ms-client-principal": principal(ENTRA)},
            "33333333-3333-3333-3333-333333333333",
            "ann@contoso.com",
            "aad",
            ("admin", "auditor"),
            id="entra-without-the-id-header",
        ),
        pytest.param(
            {"x-ms-client-principal": principal(GITHUB)},
            "583231",
            "octocat",
            "github",
            (),
            id="github-without-the-id-header",
        ),
        pytest.param(
            {"x-ms-client-principal": principal(V1_ROLES)},
            "4444",
            None,
            "aad",
            ("admin", "auditor"),
            id="roles-by-their-type",
        ),
        pytest.param(
            {"x-ms-client-principal-id": "5", "x-ms-client-principal-name": "eve"},
            "5",
            "eve",
            None,
            (),
            id="without-the-principal-header",
        ),
        pytest.param({"x-ms-client-principal-id": "5"}, "5", None, None, (), id="id-header-alone"),
        pytest.param(
            {"x-ms-client-principal": principal({}), "x-ms-client-principal-id": "5"},
            "5",
            None,
            None,
            (),
            id="without-claims",
        ),
    ],
)
def test_caller_is_who_the_platform_says(
    headers: dict[str, str], id_: str, name: str | None, provider: str | None, roles: tuple[str, ...]
) -> None:
    found = read(headers, SIGNED_IN)
    assert (found.id, found.name, found.provider, found.roles) == (id_, name, provider, roles)


def test_claims_of_one_type_are_all_there() -> None:
    assert read(ENTRA_HEADERS).claims["roles"] == ("admin", "auditor")


def test_claims_keep_their_types() -> None:
    assert set(read(GITHUB_HEADERS).claims) == {
        NAME_ID,
        NAME,
        "urn:github:name",
        "urn:github:url",
        "urn:github:login",
    }


def with_claims(*items: object) -> Principal:
    header = principal({"claims": [claim("a", "1"), *items, claim("b", "2")]})
    return read({"x-ms-client-principal": header, "x-ms-client-principal-id": "5"})


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        pytest.param(5, ("5",), id="number"),
        pytest.param(1.5, ("1.5",), id="fraction"),
        pytest.param(True, ("true",), id="true"),
        pytest.param(False, ("false",), id="false"),
        pytest.param(["x", 5, True], ("x", "5", "true"), id="list"),
        pytest.param({"a": [1, "é"]}, ('{"a":[1,"é"]}',), id="object"),
    ],
)
def test_claim_that_is_no_text_keeps_its_form(value: object, texts: tuple[str, ...]) -> None:
    assert with_claims(claim("c", value)).claims == {"a": ("1",), "c": texts, "b": ("2",)}


@pytest.mark.parametrize(
    "item",
    [
        pytest.param({"typ": 5, "val": "x"}, id="number-as-type"),
        pytest.param({"typ": "x"}, id="no-value"),
        pytest.param("x", id="text"),
        pytest.param(None, id="null"),
        pytest.param({"typ": "x", "val": None}, id="null-as-value"),
    ],
)
def test_claim_that_is_none_is_left_out_and_logged(item: object, caplog: pytest.LogCaptureFixture) -> None:
    claims = with_claims(item).claims
    assert (claims["a"], claims["b"], claims.get("x", ())) == (("1",), ("2",), ())
    assert "ignoring " in caplog.text


def test_claims_cannot_be_changed() -> None:
    claims: Any = read(ENTRA_HEADERS).claims
    with pytest.raises(TypeError):
        claims["roles"] = ("admin",)


# Static Web Apps.

STATIC: dict[str, Any] = {
    "identityProvider": "github",
    "userId": "d75b260a64504067bfc5b2905e3b8182",
    "userDetails": "octocat",
    "userRoles": ["anonymous", "authenticated", "admin"],
    "claims": [claim("name", "The Octocat")],
}


def test_caller_of_static_web_apps_is_read() -> None:
    found = read({"x-ms-client-principal": principal(STATIC)})
    assert found == Principal(
        id="d75b260a64504067bfc5b2905e3b8182",
        name="octocat",
        provider="github",
        claims={"name": ("The Octocat",)},
        roles=("anonymous", "authenticated", "admin"),
    )


def test_caller_of_static_web_apps_may_have_no_claims() -> None:
    value = {name: item for name, item in STATIC.items() if name != "claims"}
    assert read({"x-ms-client-principal": principal(value)}).claims == {}


@pytest.mark.parametrize("roles", [["anonymous"], [], None])
@pytest.mark.parametrize("user_id", [None, ""])
def test_caller_who_has_not_signed_in_to_static_web_apps_is_nobody(roles: object, user_id: object) -> None:
    header = principal(STATIC | {"userId": user_id, "userRoles": roles})
    assert Principal.from_request(request({"x-ms-client-principal": header}), MACHINE) is None


def test_caller_with_a_role_but_without_an_id_is_refused() -> None:
    header = principal(STATIC | {"userId": None})
    with pytest.raises(ValueError, match="has no identifier of the caller"):
        Principal.from_request(request({"x-ms-client-principal": header}), MACHINE)


def test_caller_of_static_web_apps_is_not_believed_where_anybody_can_write_the_header() -> None:
    with pytest.raises(PermissionError, match="App Service Authentication is off"):
        Principal.from_request(request({"x-ms-client-principal": principal(STATIC)}), AZURE)


def test_roles_of_static_web_apps_do_not_come_with_those_of_app_service() -> None:
    header = principal(ENTRA | {"userId": "x", "userRoles": ["owner"]})
    assert read({"x-ms-client-principal": header}).roles == ("admin", "auditor")


@pytest.mark.parametrize("text", ["Ann", "Anna", "Annab", "Zoë 群"])
@pytest.mark.parametrize("padded", [True, False], ids=["padded", "unpadded"])
def test_padding_of_the_base64_text_is_free(text: str, padded: bool) -> None:
    value = {"auth_typ": "github", "claims": [claim(NAME_ID, text)]}
    assert read({"x-ms-client-principal": principal(value, padded=padded)}).id == text


def test_claims_are_not_shown() -> None:
    assert "Ann Example" not in repr(read(ENTRA_HEADERS))


# Nobody.


@pytest.mark.parametrize("settings", [MACHINE, AZURE, SIGNED_IN], ids=["machine", "azure", "signed-in"])
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="no-headers"),
        pytest.param({"x-ms-client-principal": "", "x-ms-client-principal-id": ""}, id="empty-headers"),
        pytest.param({"x-ms-client-principal-name": "ann"}, id="name-alone"),
    ],
)
def test_caller_without_an_identity_is_nobody(headers: dict[str, str], settings: dict[str, str]) -> None:
    assert Principal.from_request(request(headers), settings) is None


# What cannot be read.


def deep(levels: int) -> str:
    return base64.b64encode(b"[" * levels).decode()


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("not base64!", id="no-base64"),
        pytest.param("A", id="half-a-byte"),
        pytest.param("Zo\u00eb", id="not-ascii"),
        pytest.param(base64.b64encode(b"\xff\xfe").decode(), id="no-utf-8"),
        pytest.param(base64.b64encode(b"{").decode(), id="no-json"),
        pytest.param(principal([]), id="list"),
        pytest.param(principal("ann"), id="text"),
        pytest.param(principal(None), id="null"),
        pytest.param(deep(100_000), id="deep"),
    ],
)
@pytest.mark.parametrize("more", [{}, {"x-ms-client-principal-id": "5"}], ids=["alone", "beside-an-id"])
def test_header_that_cannot_be_read_is_refused(header: str, more: dict[str, str]) -> None:
    message = "^the x-ms-client-principal header is not the base64 text of a JSON object$"
    with pytest.raises(ValueError, match=message):
        Principal.from_request(request({"x-ms-client-principal": header, **more}), MACHINE)


@pytest.mark.parametrize("name", ["auth_typ", "name_typ", "role_typ"])
@pytest.mark.parametrize("value", [5, ["x"], {"x": "y"}, None], ids=["number", "list", "object", "null"])
def test_type_that_is_no_text_means_nothing(name: str, value: object) -> None:
    header = principal({"claims": [], name: value})
    found = read({"x-ms-client-principal": header, "x-ms-client-principal-id": "5"})
    assert (found.id, found.name, found.provider, found.roles) == ("5", None, None, ())


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({}, id="empty"),
        pytest.param({"auth_typ": "aad", "claims": [claim("name", "Ann")]}, id="no-identifier"),
        pytest.param({"auth_typ": "aad", "claims": [claim(OBJECT_ID, "")]}, id="empty-identifier"),
        pytest.param({"auth_typ": "aad", "claims": {"typ": OBJECT_ID, "val": "5"}}, id="claims-no-list"),
    ],
)
def test_principal_that_names_nobody_is_refused(value: object) -> None:
    message = "^the x-ms-client-principal header has no identifier of the caller$"
    with pytest.raises(ValueError, match=message):
        Principal.from_request(request({"x-ms-client-principal": principal(value)}), MACHINE)


# Whom to believe.

SPOOFED = [
    pytest.param({"x-ms-client-principal-id": "admin"}, id="id"),
    pytest.param({"X-MS-CLIENT-PRINCIPAL": principal(ENTRA)}, id="principal"),
    pytest.param(ENTRA_HEADERS, id="all"),
    pytest.param({"x-ms-client-principal": "garbage"}, id="garbage"),
]


@pytest.mark.parametrize("headers", SPOOFED)
@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(AZURE, id="no-setting"),
        pytest.param(AZURE | {"WEBSITE_AUTH_ENABLED": "False"}, id="off"),
        pytest.param(AZURE | {"WEBSITE_AUTH_ENABLED": ""}, id="empty"),
        pytest.param(AZURE | {"AZURE_FUNCTIONS_ENVIRONMENT": "Production"}, id="production"),
    ],
)
def test_headers_are_not_believed_in_azure_where_authentication_is_off(
    headers: dict[str, str], settings: dict[str, str]
) -> None:
    with pytest.raises(PermissionError, match="App Service Authentication is off, so anybody can send them"):
        Principal.from_request(request(headers), settings)


@pytest.mark.parametrize("enabled", ["True", "true", "TRUE"])
def test_headers_are_believed_in_azure_where_authentication_is_on(enabled: str) -> None:
    settings = AZURE | {"WEBSITE_AUTH_ENABLED": enabled}
    assert read({"x-ms-client-principal-id": "ann"}, settings).id == "ann"


def test_headers_are_believed_on_a_developers_machine() -> None:
    assert read({"x-ms-client-principal-id": "ann"}, MACHINE).id == "ann"


def test_settings_are_those_of_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBSITE_INSTANCE_ID", "0a1b")
    monkeypatch.delenv("WEBSITE_AUTH_ENABLED", raising=False)
    monkeypatch.delenv("AZURE_FUNCTIONS_ENVIRONMENT", raising=False)
    with pytest.raises(PermissionError):
        Principal.from_request(request({"x-ms-client-principal-id": "admin"}))


def test_user_id_may_be_chosen_on_a_developers_machine() -> None:
    assert insecure_user_id(request(query={"user": "ann"}), settings=MACHINE) == "ann"


def test_parameter_with_the_user_id_may_have_another_name() -> None:
    assert insecure_user_id(request(query={"user": "ann", "who": "bob"}), "who", MACHINE) == "bob"


@pytest.mark.parametrize("query", [{}, {"user": ""}, {"User": "ann"}], ids=["absent", "empty", "case"])
def test_user_who_chose_no_id_has_none(query: dict[str, str]) -> None:
    assert insecure_user_id(request(query=query), settings=MACHINE) is None


@pytest.mark.parametrize("query", [{"user": "ann"}, {}], ids=["chosen", "not-chosen"])
@pytest.mark.parametrize("settings", [AZURE, SIGNED_IN], ids=["azure", "signed-in"])
def test_user_id_may_not_be_chosen_in_azure(query: dict[str, str], settings: dict[str, str]) -> None:
    message = "a user id from the query parameter user lets callers claim to be anybody"
    with pytest.raises(PermissionError, match=message):
        insecure_user_id(request(query=query), settings=settings)


# Where the app runs.


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, id="nobody-says"),
        pytest.param({"WEBSITE_INSTANCE_ID": "0a1b"}, id="app-service-and-premium"),
        pytest.param({"WEBSITE_POD_NAME": "0--abcd", "LEGION_SERVICE_HOST": "1"}, id="flex-consumption"),
        pytest.param({"CONTAINER_APP_NAME": "chat", "MANAGED_ENVIRONMENT": "1"}, id="container-apps"),
        pytest.param({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, id="kubernetes"),
        pytest.param({"WEBSITE_HOSTNAME": "localhost:7071"}, id="local-name-alone"),
        pytest.param({"AZURE_FUNCTIONS_ENVIRONMENT": "Development"}, id="development-alone"),
        pytest.param(MACHINE | {"AZURE_FUNCTIONS_ENVIRONMENT": "Production"}, id="production"),
        pytest.param(MACHINE | {"AZURE_FUNCTIONS_ENVIRONMENT": ""}, id="empty-environment"),
        pytest.param(MACHINE | {"WEBSITE_HOSTNAME": "chat.azurewebsites.net"}, id="development-in-azure"),
    ],
)
def test_app_that_runs_elsewhere_is_deployed(settings: dict[str, str]) -> None:
    assert is_deployed(settings) is True


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(MACHINE, id="development"),
        pytest.param(MACHINE | {"WEBSITE_HOSTNAME": "127.0.0.1:7071"}, id="by-address"),
        pytest.param(MACHINE | {"CONTAINER_NAME": "dev"}, id="development-container"),
        pytest.param(MACHINE | {"AZURE_FUNCTIONS_ENVIRONMENT": "development"}, id="lower-case"),
    ],
)
def test_app_on_a_developers_machine_is_not_deployed(settings: dict[str, str]) -> None:
    assert is_deployed(settings) is False
