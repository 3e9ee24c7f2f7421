"""One open page in Chromium and what is wrong with it."""

from __future__ import annotations

import asyncio

from playwright.async_api import Browser, ConsoleMessage, Locator, Page, expect

from tests.browser.site import PASSWORD

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
HEIGHTS = {390: 844, 1366: 768, 1920: 1080}
_LISTEN = """
addEventListener("securitypolicyviolation", (event) => {
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`);
});
"""


class Screen:
    """A page of one size. Everything the browser complains of is in `complaints`."""

    def __init__(self, page: Page, url: str, width: int) -> None:
        self.page, self.url, self.width = page, url, width
        self.complaints: list[str] = []
        self.refused = 0
        """Answers 401: one before the log-in, one for each wrong password."""
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._said)
        page.set_default_timeout(10_000)

    @classmethod
    async def open(
        cls, browser: Browser, url: str, width: int, language: str = "en-US", scripts: tuple[str, ...] = ()
    ) -> Screen:
        """Opens the site's first page, logged out. `scripts` run before those of the page."""
        context = await browser.new_context(
            viewport={"width": width, "height": HEIGHTS[width]},
            locale=language,
            reduced_motion="reduce",
            ignore_https_errors=True,
        )
        for script in (_LISTEN, *scripts):
            await context.add_init_script(script)
        screen = cls(await context.new_page(), url, width)
        await screen.page.goto(url)
        return screen

    def _said(self, message: ConsoleMessage) -> None:
        if message.type != "error":
            return
        if "401" in message.text and message.location["url"].endswith("/api/v1/session"):
            self.refused += 1
        else:
            self.complaints.append(f"{message.text} ({message.location['url']})")

    async def log_in(self, name: str, password: str = PASSWORD) -> None:
        """Fills the form and sends it."""
        await self.page.locator("input[name=name]").fill(name)
        await self.page.locator("input[name=password]").fill(password)
        await self.page.locator("form button.primary").click()

    async def enter(self, name: str) -> None:
        """Logs in and waits until the live page is live."""
        await self.log_in(name)
        await expect(self.page.locator(".connection.is-live")).to_be_visible()

    async def go(self, page: str) -> None:
        """Goes to live, records or system by the navigation."""
        await self.page.locator(f'nav a[href$="/{page}"]').click()

    def call(self, number: str, state: str = "") -> Locator:
        """The row of the call from this number, where it is in the state."""
        return self.page.locator(".call-row" + (f'[data-state="{state}"]' if state else "")).filter(has_text=number)

    def lamp(self, lamp: str) -> Locator:
        return self.page.locator(f'[data-lamp="{lamp}"]')

    async def shines(self, lamp: str, color: str, mode: str) -> None:
        """Waits until a lamp of the front panel shows this."""
        expected = f'[data-lamp="{lamp}"][data-color="{color}"][data-mode="{mode}"]'
        await expect(self.page.locator(expected)).to_have_count(1)

    def agent(self, agent: str) -> Locator:
        return self.page.locator(f'[data-agent="{agent}"]')

    async def resize(self, width: int) -> None:
        """Goes on as a screen of another size."""
        self.width = width
        await self.page.set_viewport_size({"width": width, "height": HEIGHTS[width]})

    async def becomes(self, expression: str, seconds: float = 10.0) -> None:
        """Waits until the JavaScript expression is true."""
        for _ in range(int(seconds * 10)):
            if await self.page.evaluate(expression):
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"it does not become true: {expression}")

    async def fits(self) -> None:
        """Nothing is wider than the screen."""
        wide = await self.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= self.width, f"the page is {wide} px wide on a screen of {self.width}"

    def is_clean(self, refused: int = 1) -> None:
        """The browser complained of nothing but of the expected answers 401."""
        assert self.complaints == [] and self.refused == refused, (self.complaints, self.refused)
