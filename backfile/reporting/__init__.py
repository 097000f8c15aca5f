"""The report of a run: its facts, and how a browser, a terminal and a program are told of them."""
