"""The sound card: loudspeaker and line-in, each a process of its own (`hako-sound`) bridged to the engine by RTP.

`process` is what runs there: PyAudio on one side, L16 on a UDP socket of the loopback on the other, JSON lines on
standard input and output. `client` keeps such a process alive from the box's event loop. The rest is without I/O: what
is said between the two (`protocol`), which device is meant (`devices`), packets (`rtp`), and the buffer between the
engine's clock and the card's (`playout`). May import exchange and below.
"""
