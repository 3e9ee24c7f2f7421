"""What the box keeps: configuration (TinyDB), the ledger and its projections, bindings and dialogs (SQLite), backups.

Inside: `lock` (the data folder), `config`, `apply`, `secrets`, `tokens`, `ledger` with `projection`, `records`,
`figures`, `state`, `migrations`, `backup`. Blocks on disks: called in threads or from its own writer threads. May
import events, site and exchange.view; never net, box or web.
"""
