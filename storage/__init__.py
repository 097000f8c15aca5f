"""How we keep it: SQL and the disk; no HTTP, no HTML."""
