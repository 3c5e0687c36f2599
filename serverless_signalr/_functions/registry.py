"""The functions of an app or a blueprint: each has decorators of one of them, and each event one function."""

from collections.abc import Callable
from typing import Any

from azure.functions.decorators.function_app import DecoratorApi, FunctionBuilder

from serverless_signalr._functions.builder import AdaptingBuilder, function_name, with_name

__all__ = ["Decorator", "FunctionRegistry"]

type Decorator = Callable[[Callable[..., Any]], Any]


class FunctionRegistry(DecoratorApi):
    """Functions that are adapted when they are built, and the events that they listen to."""

    _is_registered = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
        self._signalr_events: dict[tuple[str, str, str], FunctionBuilder] = {}

    def _decorate(self, configure: Callable[[FunctionBuilder], None]) -> Decorator:
        def wrap(builder: FunctionBuilder) -> FunctionBuilder:
            configure(builder)
            return builder

        decorator: Decorator = self._configure_function_builder(wrap)
        return decorator

    def _validate_type(self, func: Callable[..., Any] | FunctionBuilder) -> FunctionBuilder:
        if self._is_registered:
            raise TypeError(
                "this blueprint is already registered, and functions added now would be missing from the "
                "app: register it after its last function"
            )
        if isinstance(func, FunctionBuilder):
            if func not in self._function_builders:
                raise TypeError(
                    f"the function {function_name(func)} has decorators of two apps or blueprints: use one. "
                    "FunctionApp and Blueprint of serverless_signalr have all decorators of azure.functions"
                )
            self._function_builders.remove(func)
            return func
        builder = super()._validate_type(with_name(func))
        return AdaptingBuilder(builder._function.get_user_function(), self._app_script_file)  # type: ignore[no-untyped-call]

    def _claim_event(self, builder: FunctionBuilder, hub: str, category: str, event: str) -> None:
        holder = self._signalr_events.setdefault((hub.lower(), category.lower(), event.lower()), builder)
        if holder is not builder:
            both = f"{function_name(holder)} and {function_name(builder)}"
            raise ValueError(
                f"the functions {both} both listen to hub {hub!r}, category {str(category)!r}, event "
                f"{event!r}: one event has one function"
            )
