"""Faults on purpose, and an independent account of what came through them: docs/reliability.md section 6.

``python -m prove`` prints the figures of ``figures.py``. Most recipes here break a whole gateway in one way
while mail comes in; afterwards what its senders heard (``ledger``) is held against what is in the store (``check``).
Each has a control run with a gateway that was spoilt on purpose (``gateway``), which must be found out.
"""
