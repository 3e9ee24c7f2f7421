"""The machine around the exchange: lamps, boards, health, addresses.

Boards are data (`hw/boards/*.toml`). `lamps` is pure; `gpio` drives the real lamps; `health` has one file a check.
May import media, exchange views, site, events and below; is imported by web, cli and app only.
"""
