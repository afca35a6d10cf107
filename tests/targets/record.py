#!/usr/bin/env python3
"""Put a table into a document, between its marks: `record.py NAME TABLE DOCUMENT`.

The document has a line `<!-- NAME: begin -->` and a line `<!-- NAME: end -->`; what is between them is replaced.
"""

import sys
from datetime import date
from pathlib import Path


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    name, table, document = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
    text = document.read_text()
    if text.count(begin) != 1 or text.count(end) != 1:
        sys.exit(f"{document} has no place for {name}")
    before, rest = text.split(begin)
    _, after = rest.split(end)
    document.write_text(f"{before}{begin}Recorded on {date.today()}.\n\n{table.read_text().strip()}\n{end}{after}")


if __name__ == "__main__":
    main()
