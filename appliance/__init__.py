"""Hako: the firmware of a call centre in a box. ARCHITECTURE.md is the map of its packages."""

__version__ = "0.1.0"
