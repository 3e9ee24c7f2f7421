"""The aiohttp server: API, log-in, live events, OpenAPI document, metrics and the built pages.

`context.WebContext` is all it knows of the box; `app.make_app` builds the application, `app.make_runner` its runner.
May import every package inside of it (store, exchange, site, events, …), never app or cli. Imports nothing itself.
"""
