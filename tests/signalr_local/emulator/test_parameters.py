"""The rules for names in the path and the query of a REST request."""

import pytest

from signalr_local.emulator.call import RestError
from signalr_local.emulator.parameters import check_names, hub_name


@pytest.mark.parametrize("name", ["g", " g ", "x" * 1024, "🙂" * 512, "a/b", "a\u2028b"])
def test_a_group_may_have_any_name_that_net_counts_1024_characters_of(name: str) -> None:
    check_names({"group": name}, is_user_limited=False)


@pytest.mark.parametrize("name", [" ", "\t ", "a\nb", "\n", "a\n", "x" * 1025, "🙂" * 513])
def test_a_group_that_the_pattern_of_the_service_refuses_is_refused(name: str) -> None:
    with pytest.raises(RestError, match="Invalid group name") as refused:
        check_names({"group": name}, is_user_limited=False)
    assert refused.value.target == "group"


def test_a_user_id_is_limited_where_connections_are_closed() -> None:
    names = {"user": "x" * 1025}
    check_names(names, is_user_limited=False)
    with pytest.raises(RestError, match="Invalid user id") as refused:
        check_names(names, is_user_limited=True)
    assert refused.value.target == "user"


def test_an_application_is_part_of_the_name_of_its_hub() -> None:
    assert hub_name("chat", "Shop") == "Shop_chat"
    assert hub_name("chat", None) == hub_name("chat", "") == "chat"
