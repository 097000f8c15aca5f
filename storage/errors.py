"""Everything storage can refuse, most general first.

StorageError
├── ArchiveInUse        another run holds the lock                       exit 3
├── ArchiveDamaged      not a database, or a damaged one                 exit 4
│   ├── ArchiveForeign  a sound database that is not a backfile archive
│   └── ArchiveTooNew   written by a newer backfile
├── ArchiveMissing      nothing there to read                            exit 2
├── NothingSelected     no article is what was asked for                 exit 2
├── BadDestination      nothing can be written there                     exit 2
└── ArchiveUnwritable   cannot create or write                           exit 5
    └── OutOfSpace      no room left
"""


class StorageError(Exception):
    """Base of all errors that storage raises on purpose; the message names value, consequence and remedy."""


class ArchiveInUse(StorageError):
    """Another run holds the archive's lock."""


class ArchiveDamaged(StorageError):
    """The archive's database cannot be trusted; nothing was touched."""


class ArchiveForeign(ArchiveDamaged):
    """The file is a sound SQLite database, but not one of ours."""


class ArchiveTooNew(ArchiveDamaged):
    """The archive was written by a newer version of this program."""


class ArchiveMissing(StorageError):
    """There is no archive where one was to be read."""


class NothingSelected(StorageError):
    """No article is what was asked for; nothing was written."""


class BadDestination(StorageError):
    """What was named to be written to is no folder, or the wrong one; nothing was touched."""


class ArchiveUnwritable(StorageError):
    """The archive cannot be created or written; nothing already kept is lost."""


class OutOfSpace(ArchiveUnwritable):
    """The disk is full, or below the configured floor."""
