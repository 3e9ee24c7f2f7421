"""Legs and calls: the B2BUA. Executes what sip/ reports and center/ decides.

Pure: no clock, dice, socket or thread; `Exchange` is fed and drained like the cores below it. Declares Protocols for
media (`audio`) and store (`outputs`); their drivers stand outside. May import events, site, sip and center.
"""
