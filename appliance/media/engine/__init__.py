"""The media engine: C11 behind `engine.h`, built by `build`, run by `process` in a process of its own.

`process` imports `_engine` (the built extension), `media.protocol` and msgspec, and nothing heavy: its memory counts.
"""
