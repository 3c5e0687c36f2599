"""Cross-origin requests: which pages on other origins may call the app.

Source: the CORS middleware of ASP.NET Core, as Azure Functions Core Tools configures it.
"""

from dataclasses import dataclass

from aiohttp import hdrs, web
from multidict import CIMultiDict

__all__ = ["Cors"]


@dataclass(frozen=True, slots=True)
class Cors:
    """Hold the origins that may call; without any, requests are not looked at."""

    origins: tuple[str, ...] = ()
    credentials: bool = False

    def check(self) -> None:
        """Raise ValueError for origins that no browser accepts."""
        if "*" in self.origins and self.credentials:
            raise ValueError(
                "CORS allows every origin (*) with credentials, which browsers forbid: list the origins, in "
                "local.settings.json (Host: CORS) or with --cors"
            )

    def preflight(self, request: web.BaseRequest) -> web.Response | None:
        """Return the answer to a browser's question before its request, None for any other request.

        An origin that is not allowed gets 204 too, without the headers that would allow it.
        """
        wanted = request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_METHOD)
        if not self.origins or wanted is None or request.method != hdrs.METH_OPTIONS:
            return None
        headers = self.headers(request)
        if hdrs.ACCESS_CONTROL_ALLOW_ORIGIN in headers:
            headers[hdrs.ACCESS_CONTROL_ALLOW_METHODS] = wanted
            asked = request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_HEADERS)
            if asked is not None:
                headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = asked
        return web.Response(status=204, headers=headers)

    def headers(self, request: web.BaseRequest) -> CIMultiDict[str]:
        """Return what an answer to this request carries, whatever its status."""
        headers: CIMultiDict[str] = CIMultiDict()
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is None or not self.origins:
            return headers
        if "*" in self.origins:
            headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = "*"
        elif origin in self.origins:
            headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
            if self.credentials:
                headers[hdrs.ACCESS_CONTROL_ALLOW_CREDENTIALS] = "true"
            if len(self.origins) > 1:
                headers[hdrs.VARY] = hdrs.ORIGIN
        return headers
