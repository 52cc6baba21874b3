"""What is done at its time, by whichever process leads."""

from functools import partial

from mailgate.app import accounts_of, clock, connection_to, context_of, template_look
from mailgate.model.config import Config, Mode
from mailgate.scheduler import Job
from mailgate.store import leases
from mailgate.store.engine import Store
from mailgate.workers import capacity, keeping, seals, templates
from mailgate.workers.alerts import Alerts
from mailgate.workers.canary import Canaries, flies
from mailgate.workers.capacity import Capacity
from mailgate.workers.certificates import endings
from mailgate.workers.commissions import Compiling
from mailgate.workers.digests import Digests, wanted_by
from mailgate.workers.keeping import Keeping
from mailgate.workers.reconcile import Nightly
from mailgate.workers.sent_items import SentItems
from mailgate.workers.sweep import LEASE, Sweep
from mailgate.workers.watch import Watch, Watched
from mailgate.workers.worklists import Worklists


def jobs(config: Config, store: Store, watched: Watched) -> dict[str, Job]:
    """What is done at its time, in UTC; what is found stands in *watched*."""
    context = context_of(config, store)
    alerts = Alerts(store, context)
    live = [name for name, mailbox in config.service.mailboxes.items() if mailbox.mode is Mode.LIVE]
    watch = Watch(store, live, endings(config), clock, watched, alerts.tell)
    leader = leases.Lease(store, LEASE)
    found = {
        "deadlines": Job(Sweep(store, context, clock, leader.keep).turn, at_start=True),
        "reconcile": Job(Nightly(store, alerts, accounts_of(config), clock, watched).turn, minute=30, hour=2),
        "usual hour": Job(watch.hour, minute=10),
        "expiries": Job(watch.expiries, minute=0, hour=6, at_start=True),
    }
    if config.service.commissions:
        found["commissions"] = Job(Compiling(store, context, clock).turn, at_start=True)
    if wanted_by(config):
        found["summaries"] = Job(Digests(store, context, clock).turn, at_start=True)
    short = leases.Lease(store, capacity.LEASE)
    found["capacity levels"] = Job(Capacity(store, context, clock, short.keep).turn, at_start=True)
    found["worklists"] = Job(Worklists(store, context, clock).turn, minute=0, at_start=True)
    first = leases.Lease(store, seals.LEASE)
    found["seals"] = Job(seals.Sealing(store, context.keys, clock, first.keep).turn, minute="*/5", at_start=True)
    forgets = leases.Lease(store, keeping.LEASE).keep
    found["keeping"] = Job(Keeping(store, config.service.keep, clock, forgets).turn, hour=keeping.HOURS)
    look = template_look(config)
    if look is not None:
        found["templates"] = Job(partial(templates.check, config, look), minute=15, hour=6, at_start=True)
    if asked := {each.mailbox: connection_to(each) for each in config.operator.imap if each.sent_folder}:
        found["sent items"] = Job(SentItems(store, asked, context.loop_id, clock).turn, minute="*/5", at_start=True)
    if flies(config):
        found["canary"] = Job(Canaries(store, context, alerts, clock).turn, minute=5)
    return found
