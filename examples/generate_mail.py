#!/usr/bin/env python3
"""Make realistic, entirely fictional mail for load tests, demos and accuracy figures.

    python generate_mail.py --count 1000 --seed 7 --out mail/ --truth truth.jsonl
    python generate_mail.py --count 50000 --mbox load.mbox --truth truth.jsonl --chasers 12

The same options always give the same bytes. --count is the number of deliveries, in order
of arrival. Each line of the truth file says what the gateway should make of one delivery.
Percentages are of all deliveries; what they leave over are new requests. Hearings and
releases are always far enough away that no rule about near dates changes a priority.
"""

import argparse
import html
import json
import random
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

DOMAIN = "justice.example"
FIRST = (
    "Aisling Bartek Ceinwen Dorota Emeka Farah Gwilym Hanneke Idris Jovan Kerensa Ludo Mairead Nkechi Osian "
    "Perpetua Quillon Rosheen Saskia Tadeo Ursula Vikram Wilhelmina Xanthe Yestin Zelda"
).split()
LAST = (
    "Ashgrove Brackwater Caldecross Dunmere Eastlake Fennimore Garrowby Hexwell Inglebright Jarrowfield "
    "Kettlewood Larkspur Merrivale Northcote-Bell Oakhanger Pellworth Quenby Ravenhurst Silverdale"
).split()
UNITS = ["Aldermoor PDU, POD 1", "Aldermoor PDU, POD 2", "Brackenford PDU", "Castlereach PDU", "Dunholme PDU"]
UNIT_MAILBOXES = ["aldermoor.pod1", "aldermoor.pod2", "brackenford.admin", "castlereach.admin", "dunholme.admin"]
STREETS = ["Tannery Row", "Weir Lane", "Pinfold Close", "Linnet Court", "Coldharbour Street"]
CHOICES = {
    "court": ["Northmere Magistrates' Court", "Dunholme Magistrates' Court", "Northmere Crown Court"],
    "prison": ["HMP Stonewick", "HMP Greyfell", "HMP & YOI Larchmoor"],
    "report-type": ["oral", "fast delivery", "standard delivery"],
    "outcome": ["community order, 12 months", "suspended sentence order", "fine, no order"],
    "reason": ["no reason given", "sickness, GP note seen", "work clash"],
    "availability": ["Wednesdays and Sundays", "weekends only", "any weekday but Friday"],
    "service": ["Accommodation", "Personal Wellbeing", "Building Choices", "Education and Employment"],
    "assessment": ["initial sentence plan", "review", "termination"],
    "change": ["now in full-time work", "phone number ends 118, not 181", "settled in own tenancy"],
    "moving-to": ["Southmarch, Eastwold PDU", "Westhaven, Portlowe PDU"],
}
SLA = {"urgent": "urgent", "high": "next-day", "normal": "standard", "low": "routine"}
HTML_HEAD = '<html xmlns:o="urn:schemas-microsoft-com:office:office" xmlns="http://www.w3.org/TR/REC-html40">'
DISCLAIMER = (
    "This e-mail and any attachments are intended only for the addressee(s). Unauthorised use or disclosure "
    "may be a breach of the law. If it is not for you, please delete it and tell the sender."
)

# task: (priority, share of requests, ways of asking, information needed besides the CRN)
TASKS = {
    "court.psr-request": (
        "high",
        6,
        ["PSR request", "Adjourned for report", "Pre-sentence report please"],
        ["court", "hearing-date", "report-type"],
    ),
    "court.result": ("high", 4, ["Court result to record", "Resulting please"], ["court", "hearing-date", "outcome"]),
    "allocations.new-case": ("high", 6, ["New case for allocation", "New order - needs allocating"], ["event-number"]),
    "allocations.safeguarding-check": (
        "high",
        6,
        ["Safeguarding check please", "Children's services check"],
        ["date-of-birth", "address"],
    ),
    "allocations.intelligence-check": (
        "high",
        5,
        ["Police check please", "Domestic abuse check", "Intelligence check"],
        ["date-of-birth", "address"],
    ),
    "allocations.reallocation": ("normal", 3, ["Please reallocate", "Change of officer"], ["new-practitioner", "date"]),
    "community-payback.absence": ("high", 5, ["Did not attend UPW", "Absence from project"], ["date", "reason"]),
    "community-payback.placement": ("normal", 3, ["Change of project", "Placement change please"], ["availability"]),
    "community-payback.travel": ("low", 2, ["Travel warrant", "Bus pass please"], ["date"]),
    "custody.recall": ("urgent", 1, ["URGENT - recall", "Part A - recall agreed"], ["manager-approval"]),
    "custody.release": ("high", 4, ["Being released", "Release arrangements"], ["prison", "release-date"]),
    "custody.hdc-check": (
        "high",
        3,
        ["HDC address suitability", "Home detention curfew address"],
        ["prison-number", "address", "deadline"],
    ),
    "enforcement.warning-letter": (
        "high",
        10,
        ["First warning letter please", "Failed to attend - warning letter", "Final warning"],
        ["event-number", "missed-date"],
    ),
    "enforcement.breach-pack": (
        "urgent",
        5,
        ["Breach pack please", "Breach papers", "Please instigate breach"],
        ["event-number", "failure-dates", "court"],
    ),
    "enforcement.withdraw": (
        "high",
        2,
        ["Please withdraw the breach", "Rescind the warning letter"],
        ["event-number", "reason"],
    ),
    "interventions.crs-referral": (
        "normal",
        4,
        ["CRS referral", "Accommodation referral on Refer and Monitor"],
        ["event-number", "service"],
    ),
    "interventions.programme-referral": (
        "normal",
        3,
        ["Programme referral", "Accredited programme - please refer"],
        ["event-number", "service"],
    ),
    "oasys.create": (
        "high",
        5,
        ["Please create an OASys", "New ISP to open"],
        ["event-number", "assessment", "deadline"],
    ),
    "oasys.unlock": ("urgent", 4, ["Locked out of OASys", "Please unlock my assessment"], ["assessment"]),
    "performance.data-quality": ("normal", 3, ["Record is wrong on NDelius", "Data quality correction"], ["change"]),
    "performance.hete-update": ("normal", 3, ["HETE update", "Employment status update"], ["change", "date"]),
    "terminations.order-end": (
        "normal",
        5,
        ["Order has ended - please terminate", "Termination"],
        ["event-number", "end-date"],
    ),
    "terminations.early-revocation": (
        "high",
        1,
        ["Early revocation", "Good progress application"],
        ["event-number", "court"],
    ),
    "transfers.out": (
        "high",
        4,
        ["Transfer out", "Moving to another area - transfer out"],
        ["address", "moving-to", "date"],
    ),
    "transfers.temporary": ("high", 2, ["Temporary move", "Caretaking request"], ["address", "date"]),
}
MAILBOX = {
    "court": "northmere.court",
    "allocations": "northmere.allocations",
    "custody": "northmere.custody",
    "community-payback": "northmere.communitypayback",
    "enforcement": "northmere.enforcement",
    "interventions": "northmere.interventions",
    "oasys": "northmere.performance",
    "performance": "northmere.performance",
}  # the rest go to a unit's own mailbox
GREETINGS = ["Hi,", "Morning all,", "Hello team,", "Afternoon,", "Hi both -", ""]
CLOSINGS = ["Thanks", "Many thanks", "Kind regards", "Cheers", "Thank you in advance", ""]
CHASERS = [
    "Any update on this please?",
    "Just chasing the below - has it been done?",
    "Sorry to nag, where are we with this?",
    "Is there any news on this one? I need it for supervision.",
]
FORWARDED = ("Colleague", "FYI", "Please could you send this on to admin?")
THANKS = ["Brilliant, thank you!", "Thanks so much, much appreciated.", "Perfect, ta."]
COMMANDS = [
    ("done", ["Done, thanks", "All done and uploaded to NDelius.", "This has been completed."]),
    ("take", ["I'll pick this one up.", "Mine - I'll do this.", "I'll take it"]),
    (
        "waiting",
        ["On hold please, waiting for the police to come back to me.", "Can this be paused? Waiting on the prison."],
    ),
]
ANSWERS = f"tickets@mailgate.{DOMAIN}"  # send_from of the example configuration
QUOTED_NOTICE = "Answer this mail with Done, Hold until <date> or Move to <team>."
AWAY = [
    "I am on annual leave and will reply on my return. For recalls please contact the duty officer.",
    "Thank you for your email. I work Monday to Wednesday only.",
    "I am out of the office at court today.",
]


def paragraphs(text):
    lines = (html.escape(line, quote=False) or "&nbsp;" for line in text.split("\n"))
    return "".join(f'<p class="MsoNormal">{line}<o:p></o:p></p>\n' for line in lines)


class Maker:
    def __init__(self, args):
        self.args, self.rng, self.n = args, random.Random(args.seed), 0
        self.now = datetime.fromisoformat(args.start).replace(tzinfo=UTC)
        self.step = timedelta(days=args.days) / max(args.count, 1)
        self.requests = []  # (truth, mail, facts) of each new request
        self.staff = [(f, self.rng.choice(LAST), self.rng.randrange(len(UNITS))) for f in FIRST for _ in range(4)]

    # ---- facts -----------------------------------------------------------------------------
    def day(self, low, high):
        d = self.now + timedelta(days=self.rng.randint(low, high))
        return self.rng.choice([f"{d.day} {d:%B %Y}", f"{d.day}/{d.month}/{d.year}", f"{d:%a} {d.day} {d:%b}"])

    def fact(self, name):
        r = self.rng
        if name in ("hearing-date", "release-date", "deadline"):
            return self.day(10, 40)
        if name in ("date", "missed-date", "end-date"):
            return self.day(-6, 0)
        if name in CHOICES:
            return r.choice(CHOICES[name])
        return {
            "event-number": lambda: str(r.randint(1, 5)),
            "date-of-birth": lambda: f"{r.randint(1, 28)}/{r.randint(1, 12)}/{r.randint(1960, 2006)}",
            "address": lambda: f"{r.randint(1, 180)} {r.choice(STREETS)}, NM{r.randint(1, 9)} {r.randint(1, 9)}ZZ",
            "new-practitioner": lambda: " ".join(r.choice(self.staff)[:2]),
            "manager-approval": lambda: "agreed by {} {} (SPO)".format(*r.choice(self.staff)[:2]),
            "prison-number": lambda: (
                f"{r.choice('ABCDEFG')}{r.randint(1000, 9999)}{r.choice('FGHJK')}{r.choice('ABCDE')}"
            ),
            "failure-dates": lambda: f"{self.day(-20, -10)} and {self.day(-7, -1)}",
        }[name]()

    def crn(self):
        return f"{self.rng.choice('XDJMCE')}{self.rng.randint(100000, 999999)}"

    # ---- mail ------------------------------------------------------------------------------
    def person(self, who):
        return f'"{who[1]}, {who[0]}" <{self.address(who)}>'

    def address(self, who):
        return f"{who[0]}.{who[1]}@{DOMAIN}".lower()

    def mail(self, who, to, subject, body, rows=(), *, chain=None, reply_to=None, headers=None, sign=True):
        r, a, m = self.rng, self.args, EmailMessage(policy=SMTP)
        m["From"], m["To"], m["Subject"] = self.person(who), to if "@" in to else f"{to}@{DOMAIN}", subject
        m["Date"] = format_datetime(self.now)
        m["Message-ID"] = f"<gen{a.seed}.{self.n}.{self.now:%Y%m%d%H%M%S}@mail.{DOMAIN}>"
        if reply_to:
            m["In-Reply-To"], m["References"] = reply_to[-1], " ".join(reply_to)
        m["Thread-Topic"], m["Content-Language"] = subject.removeprefix("RE: "), "en-GB"
        for k, v in (headers or {}).items():
            m[k] = v
        table = bool(rows) and r.random() < 0.3
        tel = f"07700 900{100 + who[2] * 37}"
        sig = f"{who[0]} {who[1]} | Probation Service\n{UNITS[who[2]]} | Tel: {tel}" if sign else ""
        old = ""
        if chain:
            sent = f"{self.now - timedelta(hours=20):%d %B %Y %H:%M}"
            heads = f"From: {chain[0]}\nSent: {sent}\nTo: {self.person(who)}\nSubject: {chain[1]}"
            old = f"{'_' * 32}\n{heads}\n\n{chain[2]}"
        plain = [body, "\n".join(f"{k}: {v}" for k, v in rows), sig, DISCLAIMER if sign else "", old]
        cells = "".join(f"<tr><td>{html.escape(k)}</td><td>{html.escape(v)}</td></tr>" for k, v in rows)
        blocks = [body, f"<table border=1>{cells}</table>" if table else plain[1], *plain[2:]]
        page = "".join(b if b.startswith("<table") else paragraphs(b) for b in blocks if b)
        page = f'{HTML_HEAD}<body lang="EN-GB"><div class="WordSection1">{page}</div></body></html>\n'
        if rows and r.random() * 100 < a.html_only:
            m.set_content(page, subtype="html", cte="quoted-printable")
        else:
            m.set_content("\n\n".join(b for b in plain if b) + "\n", cte="quoted-printable")
            m.add_alternative(page, subtype="html", cte="quoted-printable")
        if rows and r.random() * 100 < a.attachments:
            m.add_attachment(
                b"fictional " * 200, maintype="application", subtype="pdf", filename=f"document {self.n}.pdf"
            )
            m["X-MS-Has-Attach"] = "yes"
        for i, part in enumerate(p for p in m.walk() if p.is_multipart()):
            part.set_boundary(f"=_{a.seed}_{self.n}_{i}")
        return m

    def request(self, repeat=None):
        """A new request, or the same one (repeat) asked again by somebody else."""
        r = self.rng
        if repeat:
            truth, _, (task, facts, crn, to) = repeat
            who = r.choice([p for p in self.staff if self.address(p) != truth["from"]])
        else:
            task = r.choices(list(TASKS), [t[1] for t in TASKS.values()])[0]
            crn, who = self.crn(), r.choice(self.staff)
            facts = {name: self.fact(name) for name in TASKS[task][3]}
            to = MAILBOX.get(task.split(".")[0]) or UNIT_MAILBOXES[who[2]]
        dropped = "" if repeat or r.random() * 100 >= self.args.incomplete else r.choice(["crn", *facts])
        priority, _, openers, _ = TASKS[task]
        opener, shown = r.choice(openers), crn if r.random() > 0.1 else f"{crn[0].lower()} {crn[1:4]} {crn[4:]}"
        in_subject = dropped != "crn" and r.random() < 0.5
        rows = [(k.replace("-", " ").capitalize(), v) for k, v in facts.items() if k != dropped]
        if dropped != "crn" and not in_subject:
            rows.insert(0, ("CRN", shown))
        body = "\n".join(x for x in (r.choice(GREETINGS), f"{opener}, details below.", r.choice(CLOSINGS)) if x)
        chain = FORWARDED if r.random() * 100 < self.args.chains else None
        m = self.mail(who, to, f"{opener} - {shown}" if in_subject else opener, body, rows, chain=chain)
        truth = self.truth(
            "duplicate" if repeat else "new_ticket",
            m,
            to,
            category=task.split(".")[0],
            task=task,
            priority=priority,
            sla_policy="immediate" if task == "custody.recall" else SLA[priority],
            crn=None if dropped == "crn" else crn,
            missing_information=[dropped] if dropped else [],
        )
        if repeat:
            truth["duplicate_of"] = repeat[0]["n"]
        else:
            self.requests.append((truth, m, (task, facts, crn, to)))
        return truth, m

    def truth(self, action, m, to, **more):
        return {
            "n": self.n,
            "message_id": m["Message-ID"],
            "received": self.now.isoformat(),
            "from": m["From"].addresses[0].addr_spec,
            "mailbox": f"{to}@{DOMAIN}",
            "action": action,
            **more,
        }

    def derived(self, kind):
        """A delivery that belongs to a recent request: redelivery, chaser, thanks, automatic reply or command."""
        r = self.rng
        first, old, (task, _, crn, to) = r.choice(self.requests[-200:])
        n, label = first["n"], task.split(".")[1].replace("-", " ").capitalize()
        asker = next(p for p in self.staff if self.address(p) == first["from"])
        notice = [old["Message-ID"], f"<notice.{n}@mailgate.{DOMAIN}>"]
        if kind == "near_duplicate":
            whole = [q for q in self.requests[-200:] if not q[0]["missing_information"]]
            return self.request(repeat=r.choice(whole)) if whole else self.request()
        if kind == "redelivery":
            return self.truth("duplicate", old, to, crn=first["crn"], duplicate_of=n), old
        if kind == "chaser":
            quoted = (old["From"], old["Subject"], "(as below)")
            fresh = first["crn"] and r.random() < 0.3
            m = self.mail(
                asker,
                to,
                f"{label} {crn}?" if fresh else f"RE: {old['Subject']}",
                r.choice(CHASERS),
                chain=None if fresh else quoted,
                reply_to=None if fresh else notice[:1],
            )
            return self.truth("follow_up", m, to, follow_up_to=n, intent="chaser"), m
        if kind == "thanks":
            m = self.mail(asker, ANSWERS, "RE: Your request is done", r.choice(THANKS), reply_to=notice, sign=False)
            return self.truth("ignore", m, to, follow_up_to=n, intent="thanks"), m
        if kind == "auto_reply":
            marked = {"Auto-Submitted": "auto-replied", "X-Auto-Response-Suppress": "All"} if r.random() < 0.7 else {}
            m = self.mail(
                asker,
                ANSWERS,
                "Automatic reply: We have your request",
                r.choice(AWAY),
                reply_to=notice,
                headers=marked,
                sign=False,
            )
            return self.truth("auto_reply", m, to, follow_up_to=n), m
        do, words = r.choice(COMMANDS)
        admin = ("Admin", to.split(".")[-1].capitalize(), 0)
        m = self.mail(
            admin,
            ANSWERS,
            f"RE: {label} - assigned to you",
            r.choice(words),
            reply_to=notice,
            sign=r.random() < 0.5,
            chain=(ANSWERS, "assigned to you", QUOTED_NOTICE),
        )
        return self.truth("command", m, to, follow_up_to=n, command={"do": do}), m

    def __iter__(self):
        a = self.args
        shares = {
            "redelivery": a.redelivered,
            "near_duplicate": a.near_duplicates,
            "chaser": a.chasers,
            "thanks": a.thanks,
            "auto_reply": a.auto_replies,
            "command": a.commands,
        }
        for self.n in range(1, a.count + 1):
            self.now += self.step
            kind = self.rng.choices([*shares, "request"], [*shares.values(), max(0, 100 - sum(shares.values()))])[0]
            yield self.derived(kind) if kind != "request" and self.requests else self.request()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--count", type=int, default=200)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--start", default="2026-11-30T08:00:00", help="time of the first delivery (UTC)")
    p.add_argument("--days", type=float, default=14, help="days over which the deliveries are spread")
    where = p.add_mutually_exclusive_group(required=True)
    where.add_argument("--out", type=Path, help="folder for one .eml file each")
    where.add_argument("--mbox", type=Path, help="one mbox file for everything")
    p.add_argument("--truth", type=Path, required=True, help="what to expect: one JSON object a line")
    for name, default in (
        ("redelivered", 2),
        ("near-duplicates", 4),
        ("chasers", 8),
        ("thanks", 3),
        ("auto-replies", 3),
        ("commands", 6),
        ("incomplete", 15),
        ("attachments", 20),
        ("chains", 10),
        ("html-only", 10),
    ):
        p.add_argument(f"--{name}", type=float, default=default, metavar="PERCENT", help=f"default {default}")
    args = p.parse_args()
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
    box = args.mbox.open("wb") if args.mbox else None
    with args.truth.open("w", encoding="utf-8") as truth_file:
        for truth, mail in Maker(args):
            data = mail.as_bytes()
            if box:
                lines = data.replace(b"\r\n", b"\n").replace(b"\nFrom ", b"\n>From ")
                box.write(b"From generator@example.invalid Mon Nov 30 08:00:00 2026\n" + lines + b"\n")
            else:
                truth["file"] = f"{truth['n']:06d}.eml"
                (args.out / truth["file"]).write_bytes(data)
            truth_file.write(json.dumps(truth) + "\n")
    if box:
        box.close()


if __name__ == "__main__":
    main()
