"""The files that ``mailgate init`` writes: a small service with two mailboxes, to be changed."""

FILES = {
    "service.yml": """\
# yaml-language-server: $schema=schema/service.json
# How mail to our mailboxes becomes work. Change it to say what you do.
#
#   - Indent with two spaces. Lists are [in, square, brackets] or one item per "-" line.
#   - Check it with  mailgate rules check . A mistake is reported with its line.
#   - Every key is explained in docs/configuration.md.
#   - It may be split into several files; each part (teams, mailboxes ...) stands in one of them.

region: Example Town
reference: ET                         # tickets are called ET-7K3F-99
send_from: tickets@example.org        # answers to our mails come back here
domains: [example.org]                # ours, with everything below them

defaults:
  calendar: office
  priority: normal
  team: front-desk                    # for mail to send_from that fits nothing

calendars:
  office:
    hours: Monday to Friday, 9am to 5pm
    holidays: england-and-wales       # or scotland, northern-ireland

sla:                                  # what is promised: the first answer, and the work done
  quick:    { reply: 1 working hour, finish: 1 working day }
  standard: { reply: 1 working day,  finish: 5 working days }

priorities:                           # the most urgent first; each brings a service level
  high: quick
  normal: standard

teams:
  front-desk:  { lead: sam.porter }   # stands for sam.porter@example.org
  repair-crew: { lead: jo.mason }

mailboxes:                            # "usually": where a mail goes when nothing in it says otherwise
  help@example.org:    { team: front-desk }
  repairs@example.org: { team: repair-crew, usually: repairs }

identifiers:                          # numbers to recognise; "key" names what a ticket is about
  order-number: { label: order number, pattern: "RO-?[0-9]{5}", key: yes }

information:                          # what a task may need; "ask" completes "Please tell us ..."
  room:  { ask: which room, words: [room, hall, kitchen, corridor] }
  when:  { ask: when it should be done, date: yes }

categories:
  repairs:
    team: repair-crew
    tasks:
      heating:
        recognise: [heating, radiator, boiler, too cold]
        needs: [room]
        priority: high
      lighting:
        recognise: [light bulb, lamp, flickering light]
        needs: [room]
  desk:
    team: front-desk
    tasks:
      booking:
        recognise: [book a room, room booking, reserve the hall]
        needs: [room, when]

# Words in an answer to one of our mails that are a command, or that need no answer.
commands:
  done:    [done, all done, "#done"]
  take:    [I'll take it, mine, "#take"]
  waiting: [on hold, waiting for, "#waiting"]

small_talk:
  thanks:  [thank you, thanks]
  chasers: [any update, any news, just chasing]
""",
    "rules/exceptions.yml": """\
# yaml-language-server: $schema=../schema/service.json
# Exceptions to what the words in "categories" decide. Read from the top; every rule that fits is
# applied, in order, until one says  stop: yes

rules:
  - name: From outside
    when: { from: anyone outside example.org }
    then: { tag: external }
""",
    "mailgate.yml": """\
# yaml-language-server: $schema=schema/mailgate.json
# The operator's part: where mailgate listens, stores and sends. Each value can be set from the
# environment instead: MAILGATE_STORE__URL is store.url. Passwords and keys stand only there.

store:
  url: sqlite:///var/mailgate.db
smtp:
  listen: 127.0.0.1:8025
  relays: [127.0.0.1, "::1"]          # who may hand us mail
send:
  via: maildir:var/outbox             # or smtp://relay.example.org:587?starttls=required
""",
}
