"""A stand-in for GOV.UK Notify on loopback: its routes, checks, messages, limits and receipts, and faults on demand.

docs/notify.md sections 3, 4, 6, 8 and 9 say what the real one does. For tests, and for whoever has no key. POST a
JSON list of faults to /dev/faults: each goes wrong once, at the next call that sends. What there is: ``FAULTS``. GET
/dev/sent for what was sent.
"""

from mailgate.notify.standin.access import KEYS as KEYS
from mailgate.notify.standin.access import SERVICE as SERVICE
from mailgate.notify.standin.access import api_key as api_key
from mailgate.notify.standin.messages import template_id as template_id
from mailgate.notify.standin.routes import PAGE as PAGE
from mailgate.notify.standin.server import FAULTS as FAULTS
from mailgate.notify.standin.server import StandIn as StandIn
