"""One module for each kind of page: what it says, as a document of plain values."""
