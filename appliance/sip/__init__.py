"""SIP without I/O (RFC 3261 and friends): codec, transactions, dialogs, sessions, registrar, endpoint.

Codec, inside out: abnf, uri, header, headers, message, parser; beside it digest, sdp, offer_answer. All gets `now` and
`entropy`; time-outs are asked for with deadline(). May import appliance.clock, errors, bus, events and site; never
exchange, net or a socket. What a remote party sends wrongly is a RemoteProtocolError, and nothing else.
"""
