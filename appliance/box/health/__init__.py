"""Checks of the machine, one file each: small functions that return findings with their remedy, in both languages.

`hako doctor` prints them all; the running box raises the bad ones as faults. Use `survey` for all of them.
May import site, errors and clock of Hako.
"""
