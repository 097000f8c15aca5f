"""Merging: what another archive holds, brought into this one by natural keys.

`pair` knows the two archives and which of their rows became which of ours; `soundness` says whether theirs can be
trusted; `urls`, `answers`, `absences`, `listings`, `terms` and `articles` each bring their tables, `lines` decides
which revisions there are; `storage.merge` is the door.
"""
