"""Files and data frames: reading them with their labels, and writing results safely.

`read` reads a data file and `receipt` says what was read; `to_pandas` and `numeric` take any frame and any column; `labels` answers
what the file said about a column; `dictionary`, `save` and `convert` bring data out with what is known about
them; the rest writes folders, texts and tables whole or not at all.
"""

from trialkit.io import labels
from trialkit.io.declare import apply_missing_codes
from trialkit.io.export.dictionary import dictionary
from trialkit.io.export.save import convert, save
from trialkit.io.frames import numeric, to_pandas
from trialkit.io.read import read
from trialkit.io.receipt import Receipt, receipt
from trialkit.io.write import atomic_folder, atomic_text, content_hash, sha256_of, write_csv

__all__ = [
    "Receipt",
    "apply_missing_codes",
    "atomic_folder",
    "atomic_text",
    "content_hash",
    "convert",
    "dictionary",
    "labels",
    "numeric",
    "read",
    "receipt",
    "save",
    "sha256_of",
    "to_pandas",
    "write_csv",
]
