"""The live page: one process asks the database for its tiles and tells every browser what changed.

board     the newest value of each tile, encoded once for everybody
poller    keeps it up to date: listens for beats, asks each tile as often as it is worth
events    hands it to a browser as server-sent events, as fast as that browser reads
api       questions and decisions
guard     who may ask: Host, Origin, token, sizes, headers
files     the page itself, built by `make web`
server    the socket and the process
"""
