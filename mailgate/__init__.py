"""mailgate: mail to functional mailboxes becomes tickets, and nobody has to ask.

The story of one mail, and the file that tells each part::

    ingest/smtp.py       bytes and envelope from a socket
    store/spool.py       durable before anyone hears "250"
    workers/intake.py    claims it, and then calls
      ingest/parse.py      bytes -> Message: never raises, notes defects
      understand.read      Message -> Reading: what it says by itself
      store/facts.py       Reading -> Facts: thread, duplicates, the sender's role, the time
      decide.decide        (Reading, Config, Facts) -> Decision, with its trace
      notify/compose.py    Decision -> the mails to send
      store/apply.py       one transaction: message, ticket, events, outbox, spool row finished
    workers/delivery.py  claims an outbox row, sends it, records the result

Data goes one way. ``decide.py`` is the file to read first.
"""
