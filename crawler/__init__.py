"""How we get it: HTTP, HTML and the CMS; no SQL."""
