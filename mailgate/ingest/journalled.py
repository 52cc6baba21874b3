"""Journal reports: the mail that Exchange copied, and to whom it went (E93, MS-XJRNL)."""

import re
from typing import NamedTuple

from mailgate.ingest.leaf import payload
from mailgate.ingest.tree import Part, Tree, read_tree

HEADER = "x-ms-journal-report"
DEFECT = "journalled"
MAX_RECIPIENTS = 100

_RECIPIENT = re.compile(rb"(?im)^(?:To|Cc|Bcc|Recipient):[ \t]*<?([^\s<>,;]{1,320}@[^\s<>,;]{1,255})")


class Opened(NamedTuple):
    """The parts of a mail, what was wrong with them, and the addresses that a report says it went to."""

    root: Part
    defects: tuple[str, ...]
    went_to: tuple[str, ...] = ()


def within(tree: Tree) -> Opened:
    """The mail that the report *tree* is about, with the defect "journalled"; any other mail as it is.

    A report in a report stays one. Nobody vouches for the headers of the mail within.
    """
    mails = [leaf for leaf in tree.root.leaves() if leaf.declared_type == "message/rfc822"]
    if HEADER not in tree.root or len(mails) != 1:
        return Opened(tree.root, tree.defects)
    said = next((payload(leaf) for leaf in tree.root.leaves() if leaf.declared_type == "text/plain"), b"")
    addresses = (found.decode("ascii", "replace").lower() for found in _RECIPIENT.findall(said))
    copied = read_tree(payload(mails[0]))
    return Opened(
        copied.root,
        (*tree.defects, *copied.defects, DEFECT),
        tuple(dict.fromkeys(addresses))[:MAX_RECIPIENTS],
    )
