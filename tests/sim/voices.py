"""A prompt library in which everything is ready at once, but for texts that are not."""

from __future__ import annotations

NOT_READY = "(not ready)"
"""A text that contains this has no sound yet."""


class Voices:
    """Implements `exchange.audio.Voice` with names that say what would be heard."""

    def text(self, text: str, language: str) -> tuple[str, ...]:
        return () if NOT_READY in text or not text else (f"/text/{language}/{text}.wav",)

    def file(self, name: str) -> tuple[str, ...]:
        return () if NOT_READY in name else (f"/file/{name}",)

    def fixed(self, name: str, language: str) -> tuple[str, ...]:
        return (f"/fixed/{language}/{name}.wav",)

    def position(self, number: int, language: str) -> tuple[str, ...]:
        return (f"/position/{language}/{number}.wav",)

    def digits(self, digits: str, language: str) -> tuple[str, ...]:
        return tuple(f"/digit/{language}/{digit}.wav" for digit in digits)

    def tone(self, name: str, country: str) -> tuple[str, ...]:
        return (f"/tone/{country}/{name}.wav",)

    def music(self) -> tuple[str, ...]:
        return ("/music/1.wav", "/music/2.wav")

    def chime(self) -> tuple[str, ...]:
        return ("/chime.wav",)
