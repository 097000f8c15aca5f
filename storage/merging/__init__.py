"""Merging: what another archive holds, brought into this one by natural keys.

`pair` knows the two archives and which of their rows became which of ours; `urls`, `answers`, `listings` and `articles`
each bring their tables; `storage.merge` is the door.
"""
