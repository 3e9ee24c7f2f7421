"""The call-centre domain, pure: agents, queues and strategies, menus, business hours, log-in dialogue, dial codes.

`center.CallCenter` is the façade. State machines are tables of data (`table.Table`); `diagrams` draws them.
May import `site`, `events`, `clock`, `errors`; never `exchange`, `store`, `web`, nor anything with a clock or a socket.
"""
