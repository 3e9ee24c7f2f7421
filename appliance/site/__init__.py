"""The typed configuration of a site: what the site file says, checked, compared, written, and made into a dial plan.

Inside: `model` (frozen objects), `reader` and `check` (site file to model, every problem found), `writer` and `diff`,
`dialplan` and `numbers` (what a dialled string means), `emergency`, `hours`, `sample`. Pure; may import clock, errors
and events, and nothing else of Hako.
"""
