"""The CMS as we know it: envelopes, articles, pages. Pure."""
