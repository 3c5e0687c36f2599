"""The adapter between the worker, which passes text, and functions with typed bindings."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, cast

from serverless_signalr._functions import authorization
from serverless_signalr._functions.answers import answering_client, to_answer
from serverless_signalr._functions.arguments import Arguments, arrange, invocation_parameter
from serverless_signalr._functions.event_names import EVENT_MARK
from serverless_signalr._functions.outputs import output_items
from serverless_signalr._functions.signature import Signature, name_of
from serverless_signalr._invocation import current_invocation, running_as, to_thread
from serverless_signalr._models.invocation import SignalRInvocationContext
from serverless_signalr._models.negotiation import SignalRConnectionInfo, SignalREndpoint, SignalRNegotiation
from serverless_signalr._models.output import SignalROutput
from serverless_signalr._telemetry import OPENTELEMETRY, calling, modules
from serverless_signalr.protocol.upstream import DISCONNECTED, Category

__all__ = ["RETURN", "Bound", "adapt", "check_untyped"]

RETURN = "$return"

_READERS: dict[str, tuple[object, Callable[[str], object]]] = {
    "signalRTrigger": (SignalRInvocationContext, SignalRInvocationContext.from_json),
    "signalRConnectionInfo": (SignalRConnectionInfo, SignalRConnectionInfo.from_json),
    "signalRNegotiation": (SignalRNegotiation, SignalRNegotiation.from_json),
    "signalREndpoints": (list[SignalREndpoint], SignalREndpoint.list_from_json),
}
"""The class and the parser of the value for each type of input."""


@dataclass(frozen=True, slots=True)
class Bound:
    """One typed binding of a function.

    ``event`` and ``category`` belong to a trigger. ``is_default`` marks a trigger without ``arg_name``: the
    function may use another name for the parameter, or have none.
    """

    name: str
    type: str
    category: str | None = None
    event: str | None = None
    is_default: bool = False


def adapt(
    function: Callable[..., Any], name: str, typed: Iterable[Bound], others: Iterable[str]
) -> Callable[..., Any]:
    """Return the function for the worker, with exactly one parameter per binding.

    ``others`` are the names of bindings of other types, whose values are passed on unchanged. Raise
    TypeError, which names the function and the parameter, if bindings, parameters and requirements do not
    match.
    """
    call = _Call(function, name, list(typed), set(others))
    adapted: Any
    if call.signature.is_coroutine:

        async def adapted_async(**values: Any) -> Any:
            with call.running(values), running_as(current_invocation()):
                args, kwargs, outputs = call.prepare(values)
                return call.finish(values, outputs, await function(*args, **kwargs))

        adapted = adapted_async
    elif call.signature.wraps_coroutine:
        # The outer decorator is not a coroutine function, and may block.
        async def adapted_async(**values: Any) -> Any:
            with call.running(values), running_as(current_invocation()):
                args, kwargs, outputs = call.prepare(values)
                result = await to_thread(function, *args, **kwargs)
                return call.finish(values, outputs, await result if inspect.isawaitable(result) else result)

        adapted = adapted_async
    else:

        def adapted_sync(**values: Any) -> Any:
            with call.running(values):
                args, kwargs, outputs = call.prepare(values)
                result = function(*args, **kwargs)
                if inspect.isawaitable(result):
                    # A decorator without functools.wraps hid a coroutine function. The worker runs this code
                    # in a thread without an event loop.
                    result = asyncio.run(_awaited(result))
                return call.finish(values, outputs, result)

        adapted = adapted_sync
    adapted.__name__ = name_of(function)
    adapted.__qualname__ = getattr(function, "__qualname__", adapted.__name__)
    adapted.__module__ = function.__module__
    adapted.__doc__ = function.__doc__
    adapted.__signature__ = call.worker_signature()
    adapted.__annotations__ = call.worker_annotations()
    adapted.signalr_arguments = call.arguments or getattr(function, "signalr_arguments", None)
    return cast("Callable[..., Any]", adapted)


def check_untyped(function: Callable[..., Any], name: str) -> None:
    """Raise TypeError for a function without SignalR bindings that relies on them."""
    _check_marks(function, name, None)
    try:
        annotations = dict(getattr(function, "__annotations__", {}))
    except NameError:  # Python 3.14 evaluates them here; the worker will report the missing name.
        return
    for parameter, annotation in annotations.items():
        if annotation in (SignalROutput, "SignalROutput"):
            raise TypeError(
                f"the function {name} has no binding for its parameter {parameter}: put "
                f"@….signalr_output({parameter!r}) above it"
            )


async def _awaited(result: Awaitable[Any]) -> Any:
    return await result


def _read(given: Any) -> SignalRInvocationContext:
    # The HTTP upstream has read the event itself.
    return given if isinstance(given, SignalRInvocationContext) else SignalRInvocationContext.from_json(given)


def _check_marks(function: Callable[..., Any], name: str, trigger: Bound | None) -> None:
    """Raise TypeError for requirements that cannot be checked, and for marks without effect."""
    if EVENT_MARK in getattr(function, "__dict__", {}):
        raise TypeError(
            f"the function {name} has @event or @not_an_event, which are for hub methods: name its event "
            "with signalr_trigger(event=…)"
        )
    if authorization.hides_requirements(function):
        raise TypeError(
            f"the function {name} has a decorator that hides its @requires: use functools.wraps in that "
            "decorator, or put @requires above it"
        )
    if authorization.is_open(function):
        raise TypeError(
            f"the function {name} has @requires_nothing, which lifts the inherited requirements of a hub "
            "method; a function inherits none: remove it"
        )
    if not authorization.requirements(function):
        return
    if trigger is None:
        raise TypeError(
            f"the function {name} has @requires but no signalr_trigger, so there is no client whose roles "
            "can be checked: remove @requires, and protect it with a function key or App Service "
            "Authentication"
        )
    if (trigger.event or "").lower() == DISCONNECTED and _is_connections(trigger):
        raise TypeError(
            f"the function {name} has @requires, but a client that has disconnected cannot be refused: check "
            "the claims of the invocation instead"
        )
    authorization.enforce(function)


def _is_connections(trigger: Bound) -> bool:
    return (trigger.category or "").lower() == Category.CONNECTIONS


class _Call:
    """The parameters of one function: the arguments of its calls, and its outputs."""

    def __init__(self, function: Callable[..., Any], name: str, typed: list[Bound], others: set[str]) -> None:
        self._name = name
        self.signature = Signature(function, f"the function {name}")
        self._inputs = [bound for bound in typed if bound.type in _READERS and bound.event is None]
        self._outputs = [bound for bound in typed if bound.type not in _READERS and bound.name != RETURN]
        self._returns_output = any(bound.name == RETURN for bound in typed)
        self._trigger = next((bound for bound in typed if bound.event is not None), None)
        self._is_message = self._trigger is not None and not _is_connections(self._trigger)
        self._event = (self._trigger and self._trigger.event) or name
        _check_marks(function, name, self._trigger)
        self._requirements = authorization.requirements(function)

        self._invocation = self._invocation_parameter()
        for bound in (*self._inputs, *self._outputs):
            self._check_parameter(bound, bound.name)
        if self._trigger is not None and self._invocation is not None:
            self._check_parameter(self._trigger, self._invocation)
        taken = {bound.name for bound in typed} | others | {"context", self._invocation}
        free = [parameter for parameter in self.signature.parameters if parameter.name not in taken]
        if free and not self._is_message:
            raise TypeError(self._unbound(free[0]))
        # A function that takes only the invocation reads the arguments itself.
        self.arguments: Arguments | None = None
        if self._is_message and (free or self._invocation is None):
            try:
                self.arguments = Arguments(self._event, free, self.signature.annotations)
            except TypeError as error:
                raise TypeError(f"the function {name}: {error}") from None
        self._free = {parameter.name for parameter in free}
        self._takes_invocation_alone = self.signature.takes_only(self._invocation)

    def _invocation_parameter(self) -> str | None:
        """Return the parameter that receives the invocation, if the function has one."""
        trigger = self._trigger
        if trigger is None:
            return None
        if trigger.name in self.signature.names:
            return trigger.name
        if not trigger.is_default:
            raise TypeError(
                f"the function {self._name} has no parameter {trigger.name}, the arg_name of its "
                "signalr_trigger: give the parameter for the invocation this name, or leave out arg_name"
            )
        parameters, annotations = self.signature.parameters, self.signature.annotations
        return invocation_parameter(parameters, annotations, f"the function {self._name}")

    def _check_parameter(self, bound: Bound, name: str) -> None:
        expected = _READERS[bound.type][0] if bound.type in _READERS else SignalROutput
        if name not in self.signature.names:
            raise TypeError(f"the function {self._name} has no parameter {name} for its {bound.type} binding")
        annotation = self.signature.annotations.get(name, expected)
        if annotation != expected:
            shown = getattr(expected, "__name__", str(expected))
            raise TypeError(
                f"the parameter {name} of the function {self._name} is annotated "
                f"{inspect.formatannotation(annotation)}, the {bound.type} binding delivers {shown}"
            )

    def _unbound(self, parameter: inspect.Parameter) -> str:
        text = f"the parameter {parameter.name} of the function {self._name} belongs to no binding"
        if self.signature.annotations.get(parameter.name) is SignalROutput:
            return f"{text}: put @….signalr_output({parameter.name!r}) above the function"
        return text

    def worker_signature(self) -> inspect.Signature:
        """Return a parameter for each binding, and for the worker's context if the function takes it."""
        hidden = {*self._free, self._invocation}
        names = [name for name in self.signature.names if name not in hidden]
        if self._trigger is not None:
            names.insert(0, self._trigger.name)
        return inspect.Signature([inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in names])

    def worker_annotations(self) -> dict[str, Any]:
        """Return the annotations of other bindings, which the worker checks; it would refuse ours."""
        ours = {bound.name for bound in (*self._inputs, *self._outputs)} | self._free | {self._invocation}
        if self._trigger or self._returns_output:
            ours.add("return")
        annotations = self.signature.annotations
        return {name: annotation for name, annotation in annotations.items() if name not in ours}

    @contextmanager
    def running(self, values: Mapping[str, Any]) -> Iterator[None]:
        """Hide the failure of a message from its client, and forget afterwards who called."""
        token = authorization.CALLER.set(None)
        try:
            with answering_client(self._event) if self._is_message else nullcontext(), self._span(values):
                yield
        finally:
            authorization.CALLER.reset(token)

    def _span(self, values: Mapping[str, Any]) -> AbstractContextManager[None]:
        if self._trigger is None or OPENTELEMETRY not in modules:
            return nullcontext()
        invocation = _read(values[self._trigger.name])
        return calling(invocation.hub, invocation.category, invocation.event, invocation.headers)

    def prepare(
        self, values: Mapping[str, Any]
    ) -> tuple[Sequence[object], Mapping[str, object], Mapping[str, SignalROutput]]:
        """Return the arguments for a call of the function, and the outputs among them.

        Raise HubException for a caller without permission, and for arguments that do not match.
        """
        given: dict[str, object] = dict(values)
        rest: list[object] = []
        if self._trigger is not None:
            invocation = _read(values[self._trigger.name])
            authorization.CALLER.set(authorization.Caller(invocation))
            if self._requirements:
                authorization.check(self._event, self._requirements, invocation)
            if self._takes_invocation_alone:
                return (invocation,), {}, {}
            if self.arguments is not None:
                named, rest = self.arguments.bind(invocation.arguments)
                given |= named
            if self._invocation is not None:
                given[self._invocation] = invocation
        for bound in self._inputs:
            given[bound.name] = _READERS[bound.type][1](values[bound.name])
        outputs = {bound.name: SignalROutput() for bound in self._outputs}
        args, kwargs = arrange(self.signature.parameters, given | outputs, rest)
        return args, kwargs, outputs

    def finish(self, values: Mapping[str, Any], outputs: Mapping[str, SignalROutput], result: Any) -> Any:
        """Pass the collected outputs to the worker, and return the result for it to encode."""
        for name, output in outputs.items():
            if items := output.items:
                # A list of objects: in JSON text, the host would rewrite strings that look like dates.
                values[name].set([item.to_dict() for item in items])
        if self._returns_output and result is not None:
            return output_items(self._name, result)
        return to_answer(result) if self._is_message else result
