"""Who may call a hub method: what is required, what meets it, and what who lacks it is told."""

import re
from collections.abc import Callable
from enum import Enum
from typing import Any

import pytest

from serverless_signalr import HubException, SignalRInvocationContext
from serverless_signalr._functions.authorization import ROLE_CLAIMS, Requirement, requirements, requires
from serverless_signalr._hub.events import event
from serverless_signalr._hub.methods import hub_methods
from serverless_signalr.hub import ServerlessHub
from serverless_signalr.protocol.claims import Claims

NET_ROLE = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"


class Role(Enum):
    ADMIN = "admin"


type Guard = Callable[[Callable[..., Any]], Callable[..., Any]]


def stacked(*guards: Guard) -> Guard:
    """Return decorators as one, the first outermost."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for guard in reversed(guards):
            function = guard(function)
        return function

    return decorate


async def run(guard: Guard, claims: Claims, *, ran: list[str] | None = None) -> object:
    """Call the method ``deleteAll`` of a hub, guarded like this, with these claims in the token."""

    class Hub(ServerlessHub):
        @guard
        async def delete_all(self) -> str:
            if ran is not None:
                ran.append("method")
            return "done"

    [method] = hub_methods(Hub, ServerlessHub)
    context = SignalRInvocationContext("chat", "messages", method.event, "c1", claims=claims)
    return await method.run(Hub(), context, ())


ADMIN = requires(role="admin")
STAFF = requires(role=["admin", "moderator"])
DEPARTMENT = requires(claims={"department": "sales"})
DEPARTMENTS = requires(claims={"department": ["sales", "support"]})
MEMBER = requires(claims={"member": None})
MEMBER_OF_SALES = requires(claims={"member": None, "department": "sales"})
ADMIN_OF_SALES = requires(role="admin", claims={"department": "sales"})
TWO_ROLES = stacked(requires(role="admin"), requires(role="auditor"))
ROLE_AND_CLAIM = stacked(requires(claims={"department": "sales"}), requires(role="admin"))


@pytest.mark.parametrize(
    ("guard", "claims"),
    [
        *(pytest.param(ADMIN, {name: ("admin",)}, id=f"role-in-{name[-5:]}") for name in ROLE_CLAIMS),
        pytest.param(ADMIN, {"role": ("user", "admin")}, id="one-of-the-callers-roles"),
        pytest.param(ADMIN, {"role": ("user",), "roles": ("admin",)}, id="role-in-either-claim"),
        pytest.param(STAFF, {"role": ("moderator",)}, id="one-of-the-wanted-roles"),
        pytest.param(STAFF, {"roles": ("guest", "admin")}, id="one-of-each"),
        pytest.param(DEPARTMENT, {"department": ("sales",)}, id="claim"),
        pytest.param(DEPARTMENT, {"department": ("support", "sales")}, id="one-of-the-callers-values"),
        pytest.param(DEPARTMENTS, {"department": ("support",)}, id="one-of-the-wanted-values"),
        pytest.param(MEMBER, {"member": ("since 2020",)}, id="claim-of-any-value"),
        pytest.param(MEMBER_OF_SALES, {"member": ("x",), "department": ("sales",)}, id="two-claims"),
        pytest.param(ADMIN_OF_SALES, {"role": ("admin",), "department": ("sales",)}, id="role-and-claim"),
        pytest.param(TWO_ROLES, {"role": ("admin", "auditor")}, id="two-decorators-of-roles"),
        pytest.param(ROLE_AND_CLAIM, {"role": ("admin",), "department": ("sales",)}, id="two-decorators"),
    ],
)
async def test_caller_who_has_what_is_required_may_call(guard: Guard, claims: Claims) -> None:
    assert await run(guard, claims) == "done"


NEEDS_ADMIN = "the role admin"
NEEDS_STAFF = "the role admin or moderator"
NEEDS_SALES = "the claim department with the value sales"

DENIED = [
    pytest.param(ADMIN, {}, NEEDS_ADMIN, id="anonymous"),
    pytest.param(ADMIN, {"role": ()}, NEEDS_ADMIN, id="role-without-value"),
    pytest.param(ADMIN, {"role": ("user",)}, NEEDS_ADMIN, id="other-role"),
    pytest.param(ADMIN, {"role": ("Admin",)}, NEEDS_ADMIN, id="role-in-other-case"),
    pytest.param(ADMIN, {"Role": ("admin",)}, NEEDS_ADMIN, id="claim-in-other-case"),
    pytest.param(ADMIN, {"role": ("administrator",)}, NEEDS_ADMIN, id="longer-role"),
    pytest.param(ADMIN, {"role": ("admin,user",)}, NEEDS_ADMIN, id="roles-in-one-text"),
    pytest.param(ADMIN, {"name": ("admin",)}, NEEDS_ADMIN, id="role-in-another-claim"),
    pytest.param(ADMIN, {"admin": ("role",)}, NEEDS_ADMIN, id="type-for-value"),
    pytest.param(STAFF, {"role": ("user",)}, NEEDS_STAFF, id="neither-role"),
    pytest.param(DEPARTMENT, {"department": ("support",)}, NEEDS_SALES, id="other-value"),
    pytest.param(DEPARTMENT, {"department": ("Sales",)}, NEEDS_SALES, id="value-in-other-case"),
    pytest.param(
        DEPARTMENTS,
        {"department": ("law",)},
        "the claim department with the value sales or support",
        id="neither-value",
    ),
    pytest.param(MEMBER, {"role": ("member",)}, "the claim member", id="absent-claim"),
    pytest.param(MEMBER_OF_SALES, {"member": ("x",)}, NEEDS_SALES, id="second-claim"),
    pytest.param(ADMIN_OF_SALES, {"role": ("admin",)}, NEEDS_SALES, id="role-without-claim"),
    pytest.param(ADMIN_OF_SALES, {"department": ("sales",)}, NEEDS_ADMIN, id="claim-without-role"),
    pytest.param(TWO_ROLES, {"role": ("admin",)}, "the role auditor", id="inner-role-only"),
    pytest.param(TWO_ROLES, {"role": ("auditor",)}, NEEDS_ADMIN, id="outer-role-only"),
    pytest.param(ROLE_AND_CLAIM, {"role": ("admin",)}, NEEDS_SALES, id="inner-decorator-only"),
    pytest.param(ROLE_AND_CLAIM, {"department": ("sales",)}, NEEDS_ADMIN, id="outer-decorator-only"),
]


@pytest.mark.parametrize(("guard", "claims", "needs"), DENIED)
async def test_caller_is_told_what_is_required(guard: Guard, claims: Claims, needs: str) -> None:
    denial = f"deleteAll is not allowed: it requires {needs}."
    with pytest.raises(HubException, match=f"^{re.escape(denial)}$"):
        await run(guard, claims)


@pytest.mark.parametrize(("guard", "claims", "needs"), DENIED)
async def test_method_does_not_run_for_who_may_not_call(guard: Guard, claims: Claims, needs: str) -> None:
    ran: list[str] = []
    with pytest.raises(HubException):
        await run(guard, claims, ran=ran)
    assert ran == []


def test_requirement_may_be_above_or_below_the_name_of_the_event() -> None:
    class Hub(ServerlessHub):
        @requires(role="admin")
        @event("one")
        async def above(self) -> None: ...

        @event("two")
        @requires(role="admin")
        async def below(self) -> None: ...

    assert {method.event: len(method.requirements) for method in hub_methods(Hub, ServerlessHub)} == {
        "one": 1,
        "two": 1,
    }


async def test_connection_can_be_refused() -> None:
    class Hub(ServerlessHub):
        @requires(role="admin")
        async def connected(self) -> None: ...

    [method] = hub_methods(Hub, ServerlessHub)
    context = SignalRInvocationContext("chat", "connections", "connected", "c1")
    with pytest.raises(HubException, match=r"^connected is not allowed: it requires the role admin\.$"):
        await method.run(Hub(), context, ())


async def test_sync_method_is_guarded_too() -> None:
    class Hub(ServerlessHub):
        @requires(role="admin")
        def delete_all(self) -> None: ...

    [method] = hub_methods(Hub, ServerlessHub)
    context = SignalRInvocationContext("chat", "messages", "deleteAll", "c1")
    with pytest.raises(HubException, match="it requires the role admin"):
        await method.run(Hub(), context, ())


def test_requirement_is_inherited() -> None:
    class Base(ServerlessHub):
        @requires(role="admin")
        async def delete_all(self) -> None: ...

    class Hub(Base):
        pass

    [method] = hub_methods(Hub, ServerlessHub)
    assert method.requirements == requirements(Base.delete_all)


def test_function_without_the_decorator_requires_nothing() -> None:
    async def anybody() -> None: ...

    assert requirements(anybody) == ()


def test_roles_are_the_claims_of_which_the_platforms_make_them() -> None:
    assert set(ROLE_CLAIMS) == {"role", "roles", NET_ROLE}


def test_requirement_is_met_by_presence_where_no_value_is_wanted() -> None:
    assert Requirement(("member",), frozenset(), "the claim member").is_met({"member": ("",)})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({}, "requires needs a role or a claim", id="nothing"),
        pytest.param({"claims": {}}, "requires needs a role or a claim", id="no-claims"),
        pytest.param({"role": ""}, "roles and claim values of requires must not be empty", id="empty-role"),
        pytest.param({"role": []}, "roles and claim values of requires must not be empty", id="no-roles"),
        pytest.param(
            {"role": ["admin", ""]},
            "roles and claim values of requires must not be empty",
            id="empty-role-among-others",
        ),
        pytest.param(
            {"claims": {"department": ""}},
            "roles and claim values of requires must not be empty",
            id="empty-value",
        ),
        pytest.param(
            {"claims": {"department": []}},
            "roles and claim values of requires must not be empty",
            id="no-values",
        ),
    ],
)
def test_requirement_that_says_nothing_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        requires(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"role": 5},
        {"role": ["admin", 5]},
        {"role": Role.ADMIN},
        {"claims": {"level": 5}},
        {"claims": {"level": ["a", None]}},
        {"claims": ["admin"]},
    ],
    ids=str,
)
def test_requirement_that_is_no_text_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=r"^requires takes "):
        requires(**options)
