"""Drivers between the cores and the sockets: UDP, TCP, names, the control socket.

Thin: bytes and flows in and out, nothing is decided here. May import everything up to store/.
"""
