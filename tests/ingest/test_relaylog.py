"""What a Postfix says it handed over to us."""

from datetime import UTC, datetime

import pytest

from mailgate.ingest.relaylog import HandedOver, handed_over, received_id

NOW = datetime(2027, 1, 2, 9, 0, tzinfo=UTC)
SENT = "to=<help@city.example>, relay=127.0.0.1[127.0.0.1]:8025, delay=0.1, dsn=2.0.0, status=sent"
ZONED = "2027-01-02T08:59:59.123456+01:00"
LINES = [
    f"Jan  2 08:59:58 relay postfix/smtp[321]: 4F8A21C0E2: {SENT} (250 2.0.0 queued as 0123456789abcdef)",
    f"{ZONED} relay postfix/lmtp[322]: 3xYz1bCdEf: {SENT} (250 2.0.0 queued as fedcba9876543210)",
    f"Dec 31 23:59:59 relay postfix/smtp[323]: AAAAAAAAAA: {SENT} (250 2.0.0 queued as 00000000000000aa)",
    f"Jan  2 08:59:58 relay postfix/smtp[321]: 5F8A21C0E2: {SENT} (250 Ok: queued as 4F8A21C0E3)",
    "Jan  2 08:59:58 relay postfix/smtp[321]: 6F8A21C0E2: to=<help@city.example>, status=deferred (451 4.3.0)",
    "nonsense",
]


def test_only_what_was_sent_to_us_counts_with_its_time_and_ids() -> None:
    assert handed_over(LINES, NOW) == [
        HandedOver(datetime(2027, 1, 2, 8, 59, 58, tzinfo=UTC), "4F8A21C0E2", "0123456789abcdef"),
        HandedOver(datetime.fromisoformat(ZONED), "3xYz1bCdEf", "fedcba9876543210"),
        HandedOver(datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), "AAAAAAAAAA", "00000000000000aa"),
    ]


@pytest.mark.parametrize(
    ("raw", "queue_id"),
    [
        (b"Received: from a (a)\r\n\tby relay (Postfix) with ESMTPS id 4F8A21C0E2\r\n\tfor <x@y>; now\r\n\r\n",
         "4F8A21C0E2"),
        (b"Subject: id 4F8\r\nreceived: by relay id AAAAAAA; x\r\nReceived: by b id BBBBBBB; x\r\n\r\n", "AAAAAAA"),
        (b"Subject: none\r\n\r\nReceived", ""),
    ],
)  # fmt: skip
def test_the_last_relays_queue_id_is_read_from_the_header(raw: bytes, queue_id: str) -> None:
    assert received_id(raw) == queue_id


@pytest.mark.parametrize(
    ("stamp", "year", "expected"),
    [("Feb 29 10:00:00", 2029, 2028), ("Feb 29 10:00:00", 2027, 2027), ("2026-13-45T99:00:00", 2027, 2027)],
)
def test_a_stamp_that_is_no_day_of_this_year_leaves_out_no_mail(stamp: str, year: int, expected: int) -> None:
    line = f"{stamp} relay postfix/lmtp[1]: AAAAAAA: to=<a@b>, status=sent (250 2.0.0 queued as 0123456789abcdef)"
    (found,) = handed_over([line], datetime(year, 3, 2, tzinfo=UTC))
    assert found.at.year == expected
