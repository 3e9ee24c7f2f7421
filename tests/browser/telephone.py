"""A browser with a telephone in it: its fake microphone gives a tone, what it hears is told by its spectrum."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from playwright.async_api import Browser, Locator, async_playwright, expect

from tests.browser.screen import ARGUMENTS, Screen
from tests.peers.kit.sound import TONES, write_tone

_EARS = f"""
// The processing that a person's voice is given would take a steady tone for noise.
const open = navigator.mediaDevices?.getUserMedia.bind(navigator.mediaDevices);
if (open) navigator.mediaDevices.getUserMedia = () =>
  open({{ audio: {{ echoCancellation: false, noiseSuppression: false, autoGainControl: false }} }});
const Connection = RTCPeerConnection;
window.RTCPeerConnection = class extends Connection {{
  constructor(...given) {{
    super(...given);
    window.connections = (window.connections ?? 0) + 1;
    this.addEventListener("track", ({{ track }}) => {{
      window.ear ??= new AudioContext();
      const look = window.ear.createAnalyser();
      look.fftSize = 8192;
      look.smoothingTimeConstant = 0;
      window.ear.createMediaStreamSource(new MediaStream([track])).connect(look);
      window.look = look;
    }});
  }}
}};
const Player = window.Audio;
window.Audio = class extends Player {{
  constructor(...given) {{
    super(...given);
    window.player = this;
  }}
}};
window.playing = () => !!window.player?.srcObject && !window.player.paused && window.player.readyState > 1;
window.hears = () => {{
  if (!window.look) return [];
  const power = new Float32Array(window.look.frequencyBinCount);
  window.look.getFloatFrequencyData(power);
  const width = window.ear.sampleRate / window.look.fftSize;
  const bin = (hertz) => Math.round(hertz / width);
  const near = (hertz) => Math.max(...power.slice(bin(hertz - 15), bin(hertz + 15) + 1));
  return {list(TONES)}.filter((hertz) => near(hertz) > -45);
}};
"""


ALLOWED = "--use-fake-ui-for-media-stream"
"""The person lets every page use the microphone."""


def microphone(folder: Path, hertz: int) -> list[str]:
    """A microphone that gives this tone, which every page may use."""
    tone = write_tone(folder / f"microphone-{hertz}.wav", hertz, 10)
    return [ALLOWED, "--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={tone}"]


@contextlib.asynccontextmanager
async def chromium(
    *arguments: str, program: Path | str = "/usr/bin/chromium", environment: Mapping[str, str] | None = None
) -> AsyncIterator[Browser]:
    """A Chromium with these arguments beside the usual ones."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=str(program),
            args=[*ARGUMENTS, *arguments],
            env={**os.environ, **(environment or {})},
        )
        try:
            yield browser
        finally:
            await browser.close()


class Telephone:
    """The telephone bar of a page."""

    def __init__(self, screen: Screen) -> None:
        self.screen, self.page = screen, screen.page
        self.bar = self.page.locator(".telephone")

    @classmethod
    async def open(cls, browser: Browser, url: str, user: str, width: int = 1366, language: str = "en-US") -> Telephone:
        """Logs in and takes calls there."""
        screen = await Screen.open(browser, url, width, language, scripts=(_EARS,))
        await screen.enter(user)
        telephone = cls(screen)
        await telephone.bar.locator("button.primary").click()
        await telephone.ready()
        return telephone

    async def ready(self) -> None:
        """Waits until calls can be taken."""
        await expect(self.bar.locator('[data-telephone="ready"][data-audio="connected"]')).to_be_visible(timeout=20_000)

    def call(self, state: str = "") -> Locator:
        """The call in this state."""
        return self.bar.locator(".telephone-call" + (f'[data-call-state="{state}"]' if state else ""))

    async def press(self, *names: str) -> None:
        """Presses buttons of the call."""
        for name in names:
            await self.bar.get_by_role("button", name=name, exact=True).click()

    async def says(self, text: str) -> None:
        """Waits until what is wrong is said."""
        await expect(self.bar.locator(".telephone-trouble")).to_contain_text(text, timeout=20_000)

    async def dial(self, number: str) -> None:
        await self.bar.locator("input[name=dial]").fill(number)
        await self.bar.locator(".telephone-dial button.good").click()

    async def keys(self, keys: str) -> None:
        """Presses keys of the call's key pad."""
        if await self.bar.locator(".telephone-keys").count() == 0:
            await self.press("Keys")
        for key in keys:
            await self.bar.locator(".telephone-keys").get_by_role("button", name=key, exact=True).click()

    async def hears(self, *tones: int, seconds: float = 15.0) -> None:
        """Waits until exactly these tones are heard."""
        loop = asyncio.get_running_loop()
        until, found = loop.time() + seconds, None
        while loop.time() < until:
            found = await self.page.evaluate("hears()")
            if found == sorted(tones):
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"the browser hears {found}, not {tones}")
