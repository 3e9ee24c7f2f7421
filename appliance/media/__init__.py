"""What is heard: the desired table and its reconcile, the engine (C11) in its own process and its client, prompts,
tones, music, recordings.

`table` and `protocol` are pure; the rest may use threads, files, sockets. Imports `exchange.audio`, `site`, `events`,
`errors`; never `store`, `net` or `web`.
"""
