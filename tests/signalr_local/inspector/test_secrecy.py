"""Keys and tokens, which no event shows."""

import json

import pytest

from signalr_local.inspector.secrecy import HIDDEN, hidden, secrets_in

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJ4In0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "text",
    [
        TOKEN,
        f"?hub=chat&access_token={TOKEN}&x=1",
        "Authorization: Bearer planted-secret",
        "/runtime/webhooks/signalr?code=planted-secret",
        "Endpoint=http://localhost;AccessKey=planted-secret;Version=1.0;",
        "AccountKey=planted-secret;BlobEndpoint=http://x",
        "https://user:planted-secret@example.org/",
        json.dumps({"accessToken": "planted-secret"}),
        json.dumps({"body": json.dumps({"password": "planted-secret"})}),
        json.dumps({"body": json.dumps({"inner": json.dumps({"client_secret": "planted-secret"})})}),
        json.dumps({"X-Functions-Key": "planted-secret"}),
        json.dumps({"X-Functions-Key": ["planted-secret", "planted-secret-2"]}),
        json.dumps({"token": ["x", 1, "planted-secret"]}),
        json.dumps({"body": json.dumps({"password": 'x"y\\z planted-secret'})}),
        json.dumps({"body": json.dumps({"tokens": [{"token": ["planted-secret"]}]})}),
        "{'password': 'planted-secret', 'x': 1}",
        json.dumps({"message": "{'accessToken': 'planted-secret'}"}),
        "X-Functions-Key: planted-secret",
        "Authorization: planted-secret",
        json.dumps({"message": "Cookie: a=b; session=planted-secret\nAccept: */*"}),
        "SharedAccessSignature sr=x&sig=planted-secret%3D&se=1",
        "?redirect=%2F%3Fcode%3Dplanted-secret",
        "Server=x;Pwd=planted-secret;",
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str) -> None:
    shown = hidden(text)
    assert HIDDEN in shown
    for secret in ("planted-secret", TOKEN, "c2lnbmF0dXJl"):
        assert secret not in shown


@pytest.mark.parametrize("depth", range(4))
@pytest.mark.parametrize("value", ['x"y', "x\\", ["x", 'y"', "z\\"], ["x", 1, "y"], [1, "x"], [], ""])
def test_json_in_json_stays_json(value: object, depth: int) -> None:
    text = json.dumps({"password": value, "list": ["x"]})
    for _ in range(depth):
        text = json.dumps({"body": text, "list": ["x"]})
    shown = json.loads(hidden(text))
    for _ in range(depth):
        assert shown["list"] == ["x"]
        shown = json.loads(shown["body"])
    assert shown["list"] == ["x"]


def test_a_list_that_is_cut_off_hides_nothing_behind_it() -> None:
    text = json.dumps({"body": '{"token":["planted', "list": ["x"]})
    assert json.loads(hidden(text)) == {"body": f'{{"token":["{HIDDEN}', "list": ["x"]}


def test_json_stays_json() -> None:
    line = json.dumps({"a": f"Bearer {TOKEN}", "token": "x y", "b": [1, "?code=abc&d=e"]})
    assert json.loads(hidden(line)) == {
        "a": f"Bearer {HIDDEN}",
        "token": HIDDEN,
        "b": [1, f"?code={HIDDEN}&d=e"],
    }


@pytest.mark.parametrize(
    "text",
    [
        "status code 401",
        "the token expired 12 seconds ago",
        "the token: signature does not match",
        "secret: never",
        "Cookies: are fine",
        "{'token': None}",
        "a key of the app",
        "secret santa",
        "code review",
    ],
)
def test_words_are_no_secrets(text: str) -> None:
    assert hidden(text) == text


def test_known_secrets_are_hidden_wherever_they_stand() -> None:
    assert hidden("the answer is planted-secret.", ["planted-secret"]) == f"the answer is {HIDDEN}."


def test_secrets_of_connection_strings_are_found() -> None:
    string = "Endpoint=http://localhost;AccessKey=planted-secret;Version=1.0;"
    assert list(secrets_in([string, "http://x/?code=planted-code", "key"])) == [
        "planted-secret",
        "planted-code",
    ]


def test_letters_without_a_lower_case_of_their_length_shift_nothing() -> None:
    assert hidden('İİİ {"accessToken": "planted-secret"}') == f'İİİ {{"accessToken": "{HIDDEN}"}}'


def test_keys_that_are_no_secrets_stay() -> None:
    line = json.dumps({"key": "a", "keyboard": "b", "tokens": 5, "Monkey": "c"})
    assert hidden(line) == line
