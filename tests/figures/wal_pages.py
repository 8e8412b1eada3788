#!/usr/bin/env python3
"""Tells to which tables and indexes the pages belong that commits put into SQLite's write-ahead log.

Give it the database of a running server that is under load, or of one that was killed: a checkpoint empties the log. It reads
the frames of the log as they lie there, counts the pages of each commit, and asks SQLite whose they are (`dbstat`, a virtual
table that the SQLite of this Python has to have; Debian's has it).

Standard library only.
"""

import argparse
import collections
import pathlib
import sqlite3
import struct


def commits(log):
    """The page numbers of each commit that the log holds whole."""
    size, salt, found, pages = struct.unpack(">I", log[8:12])[0], log[16:24], [], []
    for at in range(32, len(log) - size - 23, 24 + size):
        page, length = struct.unpack(">II", log[at : at + 8])
        if log[at + 8 : at + 16] != salt:
            break
        pages.append(page)
        if length:
            found.append(pages)
            pages = []
    return found


def owners(database):
    """Whose each page is: the table or index, and whether it is a leaf of it."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as db:
        rows = db.execute("SELECT pageno, name, pagetype FROM dbstat")
        return {page: (name, kind) for page, name, kind in rows}


def main():
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("database", type=pathlib.Path)
    asked.add_argument("--most", type=int, default=20, help="lines to print")
    asked = asked.parse_args()
    found = commits(asked.database.with_name(asked.database.name + "-wal").read_bytes())
    if not found:
        raise SystemExit("the log holds no commit: it was folded back just now, or nothing writes")
    of, counted = owners(asked.database), collections.Counter()
    for page in (page for pages in found for page in pages):
        counted[of.get(page, ("newer than this look", "?"))] += 1
    total = sum(counted.values())
    print(f"{len(found)} commits, {total / len(found):.1f} pages each")
    for (name, kind), pages in counted.most_common(asked.most):
        print(f"{pages / len(found):8.2f}  {100 * pages / total:5.1f} %  {name} ({kind})")


if __name__ == "__main__":
    main()
