"""The simulator: a whole site on a seeded network with a clock of its own, thousands of calls in seconds.

Real are the SIP core (the box's and the phones'), exchange, call centre and desired table; network, media engine,
voices and people are simulated. One seed, one course of events. `python -m tests.sim SEED --trace` replays one.
"""
