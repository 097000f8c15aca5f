"""How we show it: the archive as pages for people, read-only, with no connection to anywhere."""
